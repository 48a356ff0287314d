/** What a 3Node does about power: it sleeps when its farmer wants it off, and wakes the others of its farm that are wanted on. */
import type { FarmId, NodeId } from "@tfgrid/primitives";
import type { ChainEvent } from "@tfgrid/tfchain";
import type { World } from "../agent/ports.ts";
import { Wake } from "../agent/wake.ts";
import { nodeErrors } from "../errors.ts";
import { NODE_LIMITS } from "../limits.ts";
import type { PowerControl } from "./control.ts";

export interface PowerRoleOptions {
  readonly world: Pick<World, "chain" | "clock" | "identity" | "logger">;
  /** Undefined: this machine is never switched off. */
  readonly control: PowerControl | undefined;
  readonly nodeId: NodeId;
  readonly farmId: FarmId;
  /** Nothing is wanted here, and nothing is left to tear down. */
  readonly isIdle: () => boolean;
}

export class PowerRole {
  readonly #options: PowerRoleOptions;
  readonly #bell = new Wake();
  readonly #wanted = new Set<NodeId>();
  #asleep = false;
  #told = "";

  constructor(options: PowerRoleOptions) {
    this.#options = options;
  }

  /** No heartbeat meanwhile: it would end the sleep. */
  get isAsleep(): boolean {
    return this.#asleep;
  }

  hint(events: readonly ChainEvent[]): void {
    const { nodeId, farmId } = this.#options;
    for (const event of events) {
      if (event.type !== "nodes.power" || event.farmId !== farmId) continue;
      if (event.nodeId !== nodeId && event.target === "up" && event.state === "down") this.#wanted.add(event.nodeId);
      this.#bell.ring();
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options.world;
    while (!signal.aborted) {
      try {
        await this.#obey(signal);
        await this.#wakeOthers(signal);
      } catch (error) {
        if (signal.aborted) return;
        logger.warn("power not looked after yet", { error });
      }
      await this.#bell.wait({ clock, untilMs: clock.nowMs() + NODE_LIMITS.syncIntervalMs, signal });
    }
  }

  async #obey(signal: AbortSignal): Promise<void> {
    const { world, nodeId, isIdle, control } = this.#options;
    const power = (await world.chain.proven.node(nodeId))?.power;
    if (power === undefined || power.target === "up") {
      this.#asleep = false;
      return;
    }
    // Down on the ledger and awake here: just started; the next heartbeat says so.
    if (power.state === "down" || !isIdle()) return;
    const obstacle = control === undefined ? "the node's configuration does not say how (field power)" : await control.obstacle();
    if (control === undefined || obstacle !== undefined) {
      this.#stayOn(obstacle ?? "");
      return;
    }
    this.#asleep = true;
    try {
      await world.chain.submit(world.identity.keys, [{ type: "nodes.sleep", nodeId }], { signal });
    } catch (error) {
      this.#asleep = false;
      throw error;
    }
    world.logger.info("switching off, as the farmer wants");
    await control.off();
  }

  #stayOn(why: string): void {
    if (this.#told === why) return;
    this.#told = why;
    const { nodeId, world } = this.#options;
    world.logger.warn("wanted off, and staying on", { error: nodeErrors.fail("node.cannot_sleep", { message: `This machine stays on: ${why}.`, details: { nodeId } }) });
  }

  /** Whoever is on sends; a node that sleeps cannot. */
  async #wakeOthers(signal: AbortSignal): Promise<void> {
    const { world, control } = this.#options;
    if (control === undefined || this.#asleep) return;
    for (const id of this.#wanted) {
      const node = await world.chain.proven.node(id);
      if (node?.power?.target === "up" && node.power.state === "down") {
        world.logger.info("waking a 3Node of the farm", { nodeId: id });
        for (const { mac } of node.interfaces) await control.wake(mac, signal);
      }
      this.#wanted.delete(id);
    }
  }
}
