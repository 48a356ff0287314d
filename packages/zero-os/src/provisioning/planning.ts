/** Collects the steps of one plan: leaves out what runs already or must wait after a failure. */
import type { ServiceState } from "./depends.ts";
import type { Action, Failure, Memory } from "./model.ts";

export class Planning {
  readonly nowMs: number;
  readonly actions: Action[] = [];
  readonly #memory: Memory;
  readonly #states: () => readonly ServiceState[];
  #wakeAtMs: number | undefined;

  constructor(options: { readonly nowMs: number; readonly memory: Memory; readonly serviceStates: () => readonly ServiceState[] }) {
    this.nowMs = options.nowMs;
    this.#memory = options.memory;
    this.#states = options.serviceStates;
  }

  /** Answers the step's last failure, if it failed and has not succeeded since. */
  emit(action: Action): Failure | undefined {
    const failure = this.#memory.failures.get(action.id);
    if (this.#memory.inFlight.has(action.id)) return failure;
    if (failure !== undefined && failure.retryAtMs > this.nowMs) {
      this.wakeAt(failure.retryAtMs);
      return failure;
    }
    this.actions.push(action);
    return failure;
  }

  wakeAt(atMs: number): void {
    if (this.#wakeAtMs === undefined || atMs < this.#wakeAtMs) this.#wakeAtMs = atMs;
  }

  get wakeAtMs(): number | undefined {
    return this.#wakeAtMs;
  }

  serviceStates(): readonly ServiceState[] {
    return this.#states();
  }

  isDone(id: string): boolean {
    return this.#memory.done.has(id);
  }

  isInFlight(id: string): boolean {
    return this.#memory.inFlight.has(id);
  }
}
