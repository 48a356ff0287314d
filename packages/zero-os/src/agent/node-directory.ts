/** Records of the other nodes that this node's solutions run on: their keys, endpoints and whether they are up. */
import type { NodeId } from "@tfgrid/primitives";
import type { Node } from "@tfgrid/tfchain";
import { NODE_LIMITS } from "../limits.ts";
import type { World } from "./ports.ts";

export class NodeDirectory {
  readonly #world: World;
  readonly #onChange: () => void;
  readonly #nodes = new Map<NodeId, Node>();
  readonly #readAtMs = new Map<NodeId, number>();
  readonly #reading = new Set<NodeId>();
  /** Something was said about them while they were being read: what comes back may be older than that. */
  readonly #again = new Set<NodeId>();

  constructor(world: World, onChange: () => void) {
    this.#world = world;
    this.#onChange = onChange;
  }

  get nodes(): ReadonlyMap<NodeId, Node> {
    return this.#nodes;
  }

  /** Keeps these, reads the unknown ones, and from time to time the known ones: an event may have been missed. */
  want(ids: ReadonlySet<NodeId>): void {
    const staleMs = this.#world.clock.nowMs() - NODE_LIMITS.syncIntervalMs;
    for (const map of [this.#nodes, this.#readAtMs]) for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
    for (const id of ids) if ((this.#readAtMs.get(id) ?? 0) <= staleMs) this.#read(id);
  }

  hint(id: NodeId): void {
    if (this.#readAtMs.has(id)) this.#read(id);
  }

  /** Events may have been missed. */
  hintAll(): void {
    for (const id of this.#readAtMs.keys()) this.#read(id);
  }

  #read(id: NodeId): void {
    if (this.#reading.has(id)) {
      this.#again.add(id);
      return;
    }
    this.#reading.add(id);
    this.#again.delete(id);
    this.#readAtMs.set(id, this.#world.clock.nowMs());
    void this.#fetch(id).finally(() => {
      this.#reading.delete(id);
      if (this.#again.has(id)) this.#read(id);
    });
  }

  /** A failed read is repeated when somebody next asks for the nodes and the last try is long enough ago. */
  async #fetch(id: NodeId): Promise<void> {
    try {
      const node = await this.#world.chain.proven.node(id);
      if (node === undefined || !this.#readAtMs.has(id)) return;
      this.#nodes.set(id, node);
      this.#onChange();
    } catch (error) {
      this.#world.logger.warn("node cannot be read", { nodeId: id, error });
    }
  }
}
