/** A door bell for loops: rings are merged, a ring during work is not lost. */
import type { Clock } from "@tfgrid/primitives";

/** Timers hold 31 bits of milliseconds and fire at once beyond; one look an hour costs nothing. */
const LONGEST_SLEEP_MS = 3_600_000;

/** Made once: an abort without a reason makes an exception with a stack each time. */
const AWAKE = new Error("awake");

export class Wake {
  #rung = false;
  #waiter: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#waiter?.();
  }

  /** Resolves at the next ring (at once when it rang since the last wait), at `untilMs`, or when aborted. */
  async wait(options: { readonly clock: Clock; readonly untilMs: number; readonly signal: AbortSignal }): Promise<void> {
    const { clock, untilMs, signal } = options;
    if (!this.#rung && !signal.aborted) {
      const timer = new AbortController();
      const rung = new Promise<void>((resolve) => {
        this.#waiter = resolve;
      });
      const delayMs = Math.min(Math.max(0, untilMs - clock.nowMs()), LONGEST_SLEEP_MS);
      const asleep = clock.sleep(delayMs, AbortSignal.any([signal, timer.signal])).catch(() => undefined);
      await Promise.race([rung, asleep]);
      timer.abort(AWAKE);
      this.#waiter = undefined;
    }
    this.#rung = false;
  }
}
