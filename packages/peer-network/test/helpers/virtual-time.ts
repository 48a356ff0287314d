import type { Clock } from "@tfgrid/primitives";

export interface VirtualTime {
  readonly clock: Clock;
  at(delayMs: number, action: () => void): void;
  /** Runs everything that is due within the time, in order, letting promises settle in between. */
  advance(durationMs: number): Promise<void>;
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function virtualTime(startMs = 1_700_000_000_000): VirtualTime {
  let now = startMs;
  let order = 0;
  let queue: Due[] = [];
  const at = (delayMs: number, action: () => void): void => {
    queue.push({ atMs: now + delayMs, order: (order += 1), action });
  };
  return {
    at,
    clock: {
      // Answers come between two milliseconds; a machine's clock tells whole ones.
      nowMs: () => Math.floor(now),
      sleep: (delayMs, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted === true) reject(signal.reason as Error);
          signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
          at(delayMs, resolve);
        }),
    },
    advance: async (durationMs) => {
      const end = now + durationMs;
      await settle();
      for (;;) {
        queue.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
        const next = queue[0];
        if (next === undefined || next.atMs > end) break;
        now = next.atMs;
        const due = queue.filter((entry) => entry.atMs <= now);
        queue = queue.filter((entry) => entry.atMs > now);
        for (const entry of due) entry.action();
        await settle();
      }
      now = end;
    },
  };
}

/** mulberry32: small, seeded, good enough to vary tests. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
