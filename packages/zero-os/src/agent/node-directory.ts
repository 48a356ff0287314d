/** Records of the other nodes that this node's solutions run on: their keys, endpoints and whether they are up. */
import type { NodeId } from "@tfgrid/primitives";
import type { Node } from "@tfgrid/tfchain";
import type { World } from "./ports.ts";

export class NodeDirectory {
  readonly #world: World;
  readonly #onChange: () => void;
  readonly #nodes = new Map<NodeId, Node>();
  readonly #reading = new Set<NodeId>();

  constructor(world: World, onChange: () => void) {
    this.#world = world;
    this.#onChange = onChange;
  }

  get nodes(): ReadonlyMap<NodeId, Node> {
    return this.#nodes;
  }

  /** Keeps these and reads the unknown ones. */
  want(ids: ReadonlySet<NodeId>): void {
    for (const id of this.#nodes.keys()) if (!ids.has(id)) this.#nodes.delete(id);
    for (const id of ids) if (!this.#nodes.has(id)) this.#read(id);
  }

  hint(id: NodeId): void {
    if (this.#nodes.has(id)) this.#read(id);
  }

  #read(id: NodeId): void {
    if (this.#reading.has(id)) return;
    this.#reading.add(id);
    void this.#fetch(id).finally(() => this.#reading.delete(id));
  }

  /** A failed read is repeated with the next view of the solution. */
  async #fetch(id: NodeId): Promise<void> {
    try {
      const node = await this.#world.chain.proven.node(id);
      if (node === undefined) return;
      this.#nodes.set(id, node);
      this.#onChange();
    } catch (error) {
      this.#world.logger.warn("node cannot be read", { nodeId: id, error });
    }
  }
}
