/**
 * The loop around the planner: look, plan, launch, look again when something ended. Steps run side by side; only steps
 * on one lane (one zmachine, one volume, one network, one image) wait for each other, so a slow pull blocks nobody.
 */
import type { Clock, Entropy, Logger } from "@tfgrid/primitives";
import { Wake } from "../agent/wake.ts";
import { NODE_LIMITS } from "../limits.ts";
import { execute, type ExecutorContext } from "./executor.ts";
import { nextFailure } from "./fault.ts";
import { NodeMemory, type RunStore } from "./memory.ts";
import type { Action, Actual, Desired, Plan } from "./model.ts";
import { planNode, pullStep } from "./plan.ts";

export interface ReconcilerOptions extends Pick<ExecutorContext, "drivers" | "files"> {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  /** Called after every plan: what the reports are made of. */
  readonly onPlan: (plan: Plan, view: { readonly znetPorts: ReadonlyMap<string, number>; readonly actual: Actual }) => void;
}

const NOTHING: Desired = { contracts: [], ended: new Set(), complete: false, remote: [] };
const ONCE = new Set<Action["type"]>(["ensure_volume", "ensure_znet", "pull"]);

export class Reconciler {
  readonly memory = new NodeMemory();
  readonly #options: ReconcilerOptions;
  readonly #wake = new Wake();
  readonly #running = new Map<string, { readonly action: Action; readonly abort: AbortController; readonly ended: Promise<void> }>();
  readonly #busy = new Set<string>();
  /** When a lane's last step ended, in our own count: a look at the machine from before that knows too little. */
  readonly #laneEnds = new Map<string, number>();
  readonly #znetPorts = new Map<string, number>();
  #desired = NOTHING;
  #actual: Actual | undefined;
  #lookedAt = -1;
  #count = 0;
  #stale = true;
  #nextAuditMs = 0;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  setDesired(desired: Desired): void {
    this.#desired = desired;
    this.#wake.ring();
  }

  /** Something may have changed on the machine. */
  hint(): void {
    this.#stale = true;
    this.#wake.ring();
  }

  /** Forgets which images are there, after some were removed. */
  forgetImages(): void {
    for (const id of this.memory.done) if (id.startsWith("pull:")) this.memory.done.delete(id);
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, drivers, store } = this.#options;
    for (const [key, memory] of await store.load()) this.memory.zmachines.set(key, memory);
    const stopListening = drivers.compute.onExit(() => this.hint());
    try {
      while (!signal.aborted) {
        const wakeAtMs = await this.#cycle();
        await this.#wake.wait({ clock, untilMs: Math.min(wakeAtMs, this.#nextAuditMs), signal });
      }
    } finally {
      stopListening();
      await this.#drain();
    }
  }

  /** One look and one plan; answers when to look again by time alone. */
  async #cycle(): Promise<number> {
    const { clock, logger } = this.#options;
    const nowMs = clock.nowMs();
    if (this.#stale || this.#actual === undefined || nowMs >= this.#nextAuditMs) {
      try {
        await this.#look();
      } catch (error) {
        logger.error("cannot look at the machine", { error });
        this.#stale = true;
        this.#nextAuditMs = Math.max(this.#nextAuditMs, nowMs + NODE_LIMITS.retryBaseMs);
        return nowMs + 2 * NODE_LIMITS.retryBaseMs;
      }
    }
    const actual = this.#actual as Actual;
    const desired = this.#desired;
    const wanted = new Set(desired.contracts.flatMap(({ zmachines }) => zmachines.map(({ key }) => key)));
    this.memory.observe(actual, wanted, clock.nowMs());
    const plan = planNode({ desired, actual, memory: this.memory, nowMs: clock.nowMs() });
    this.#abortUnwantedPulls(desired);
    for (const action of plan.actions) this.#launch(action);
    this.#options.onPlan(plan, { znetPorts: this.#znetPorts, actual });
    return plan.wakeAtMs ?? Number.MAX_SAFE_INTEGER;
  }

  async #look(): Promise<void> {
    const { compute, storage, networks } = this.#options.drivers;
    this.#stale = false;
    const lookedAt = this.#count;
    const [zmachines, volumes, network] = await Promise.all([compute.list(), storage.listVolumes(), networks.list()]);
    this.#actual = { zmachines, volumes, znets: network.znets, attachments: network.attachments };
    this.#lookedAt = lookedAt;
    for (const [lane, ended] of this.#laneEnds) if (ended < lookedAt) this.#laneEnds.delete(lane);
    this.#nextAuditMs = this.#options.clock.nowMs() + NODE_LIMITS.auditIntervalMs;
  }

  #launch(action: Action): void {
    if (this.#busy.has(action.lane) || this.memory.inFlight.has(action.id)) return;
    // The lane moved on after our look: the look that its end asked for decides.
    if (action.type !== "probe" && (this.#laneEnds.get(action.lane) ?? -1) >= this.#lookedAt) return;
    const abort = new AbortController();
    this.#busy.add(action.lane);
    this.memory.inFlight.add(action.id);
    this.#running.set(action.id, { action, abort, ended: this.#carryOut(action, abort.signal) });
  }

  async #carryOut(action: Action, signal: AbortSignal): Promise<void> {
    const { logger, clock, entropy } = this.#options;
    try {
      if (action.type !== "probe") logger.debug("step", { step: action.id });
      await execute(this.#context(), action, signal);
      this.memory.failures.delete(action.id);
      if (ONCE.has(action.type)) this.memory.done.add(action.id);
    } catch (error) {
      this.#noteFailure(action, error, signal);
      if (!signal.aborted) {
        const before = this.memory.failures.get(action.id);
        this.memory.failures.set(action.id, nextFailure({ error, before, nowMs: clock.nowMs(), entropy }));
      }
    }
    this.memory.inFlight.delete(action.id);
    this.#busy.delete(action.lane);
    this.#running.delete(action.id);
    this.#laneEnds.set(action.lane, this.#count);
    this.#count += 1;
    if (action.type !== "probe") this.#stale = true;
    this.#wake.ring();
  }

  #noteFailure(action: Action, error: unknown, signal: AbortSignal): void {
    const { logger } = this.#options;
    if (signal.aborted) return;
    logger.warn("step failed", { step: action.id, error });
    // What a start relies on may be gone (a cleaned cache, a lost mount): make sure of it again.
    if (action.type !== "start") return;
    const { contract, zmachine } = action;
    this.memory.done.delete(pullStep(zmachine.spec.image.digest));
    const prefix = `ensure_volume:${contract.contractId}/`;
    for (const id of this.memory.done) if (id.startsWith(prefix)) this.memory.done.delete(id);
  }

  #context(): ExecutorContext {
    const { drivers, files, store, clock } = this.#options;
    return {
      drivers,
      files,
      memory: this.memory,
      nowMs: () => clock.nowMs(),
      persist: () => store.save(this.memory.zmachines),
      znetPorts: this.#znetPorts,
      actual: () => this.#actual as Actual,
    };
  }

  #abortUnwantedPulls(desired: Desired): void {
    const wanted = new Set(desired.contracts.flatMap(({ zmachines }) => zmachines.map(({ spec }) => pullStep(spec.image.digest))));
    for (const { action, abort } of this.#running.values()) {
      if (action.type === "pull" && !wanted.has(action.id)) abort.abort(new Error("no contract wants this image any more"));
    }
  }

  async #drain(): Promise<void> {
    for (const { action, abort } of this.#running.values()) if (action.type === "pull") abort.abort(new Error("the agent stops"));
    const ended = Promise.allSettled([...this.#running.values()].map((step) => step.ended));
    await Promise.race([ended, this.#options.clock.sleep(NODE_LIMITS.stopWaitMs)]);
  }
}
