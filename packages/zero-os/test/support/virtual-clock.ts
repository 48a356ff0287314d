/** Time that passes only when the test says so. */
import type { Clock } from "@tfgrid/primitives";

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  #nowMs: number;
  #timers: Timer[] = [];
  #order = 0;

  constructor(startMs = 1_800_000_000_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        this.#timers = this.#timers.filter((entry) => entry !== timer);
        reject(signal?.reason as Error);
      };
      const timer: Timer = {
        atMs: this.#nowMs + Math.max(0, delayMs),
        order: (this.#order += 1),
        fire: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      this.#timers.push(timer);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Lets everything that can run now run, then moves from timer to timer up to `byMs` later. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      await settle();
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers = this.#timers.filter((entry) => entry !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
    }
    this.#nowMs = untilMs;
    await settle();
  }

  /** Advances in small steps until `condition` holds. */
  async until(condition: () => boolean, options: { readonly withinMs: number; readonly what: string }): Promise<void> {
    const endMs = this.#nowMs + options.withinMs;
    await settle();
    while (!condition()) {
      if (this.#nowMs >= endMs) throw new Error(`not within ${options.withinMs} ms: ${options.what}`);
      await this.advance(50);
    }
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
