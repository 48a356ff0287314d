/** Long work in pieces: whoever else waits for the processor has it at the latest after one piece. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { STATE_LIMITS } from "../limits.ts";

export class Slices {
  readonly #signal: AbortSignal | undefined;
  #endMs: number;

  /** `signal`: ends the work at the next pause, with its reason. */
  constructor(signal?: AbortSignal) {
    this.#signal = signal;
    this.#endMs = performance.now() + STATE_LIMITS.sliceMs;
  }

  /** Whether the time of this piece is used up. */
  get over(): boolean {
    return performance.now() >= this.#endMs;
  }

  /** To be asked right before what nobody may do any more when the work was ended. @throws the signal's reason */
  requireWanted(): void {
    this.#signal?.throwIfAborted();
  }

  /** Lets others run, when the piece has taken its time. */
  async pause(): Promise<void> {
    this.#signal?.throwIfAborted();
    if (!this.over) return;
    await this.next();
  }

  /** Lets others run, and begins a new piece. @throws the signal's reason */
  async next(): Promise<void> {
    await nextTurn();
    this.#signal?.throwIfAborted();
    this.#endMs = performance.now() + STATE_LIMITS.sliceMs;
  }
}
