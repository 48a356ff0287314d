/** What the agent remembers between plans. The part that must outlive it is written through a `RunStore`. */
import type { ZmachineKey, ZmachineStatus } from "../ports.ts";
import type { Actual, Failure, Memory, ZmachineMemory } from "./model.ts";
import { attemptsSoFar, NO_MEMORY } from "./restart.ts";
import type { DesiredZmachine } from "./model.ts";

export interface RunStore {
  load(): Promise<ReadonlyMap<ZmachineKey, ZmachineMemory>>;
  /** Durable when it resolves. */
  save(zmachines: ReadonlyMap<ZmachineKey, ZmachineMemory>): Promise<void>;
}

export class NodeMemory implements Memory {
  readonly zmachines = new Map<ZmachineKey, ZmachineMemory>();
  readonly failures = new Map<string, Failure>();
  readonly done = new Set<string>();
  readonly inFlight = new Set<string>();

  of(key: ZmachineKey): ZmachineMemory {
    return this.zmachines.get(key) ?? NO_MEMORY;
  }

  update(key: ZmachineKey, change: Partial<ZmachineMemory>): void {
    this.zmachines.set(key, { ...this.of(key), ...change });
  }

  /** Notes when an end was first seen; forgets what neither runs nor should, and failures of steps nobody wants any more. */
  observe(actual: Actual, wanted: ReadonlySet<ZmachineKey>, nowMs: number): void {
    const present = new Map(actual.zmachines.map((status) => [status.key, status]));
    for (const [key, status] of present) this.#observeExit(key, status, nowMs);
    for (const key of this.zmachines.keys()) if (!present.has(key) && !wanted.has(key)) this.zmachines.delete(key);
    // A failure is forgotten when its step was not asked for in a long time: it would have been retried by then.
    for (const [id, failure] of this.failures) if (failure.retryAtMs + FORGET_MS < nowMs) this.failures.delete(id);
  }

  #observeExit(key: ZmachineKey, status: ZmachineStatus, nowMs: number): void {
    if (status.state !== "exited" || this.of(key).exit?.runMs === status.startedAtMs) return;
    this.update(key, { exit: { runMs: status.startedAtMs, seenMs: nowMs } });
  }

  /** A start that the restart policy counts. */
  countRestart(zmachine: DesiredZmachine, status: ZmachineStatus | undefined): void {
    const memory = this.of(zmachine.key);
    const attempts = (status === undefined ? memory.attempts : attemptsSoFar(zmachine, status, memory)) + 1;
    this.update(zmachine.key, { restarts: memory.restarts + 1, attempts });
  }
}

const FORGET_MS = 600_000;
