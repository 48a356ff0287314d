/**
 * Keyed work queue: one run per key at a time, many keys at once up to a bound, hints during a run lead to one more run,
 * failures come back later and later. One slow key never holds another.
 */
import type { Clock, Logger } from "@tfgrid/primitives";
import { fail } from "../errors.ts";
import { AGENT_LIMITS } from "../limits.ts";

export interface QueueOptions<K> {
  /** Resolves to the delay after which to run again unasked, or undefined. Rejects on failure. */
  readonly run: (key: K, signal: AbortSignal) => Promise<{ readonly againInMs?: number; readonly failed: boolean }>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly concurrency?: number;
}

export interface Queue<K> {
  /** Run soon; `delayMs` collects hints that come in bursts. */
  add(key: K, delayMs?: number): void;
  /** Resolves when nothing runs; the signal must have been aborted. */
  drained(): Promise<void>;
}

interface Item {
  running: boolean;
  /** Asked for while it ran. */
  again: boolean;
  failures: number;
  wake: AbortController | undefined;
  dueMs: number;
}

export function openQueue<K>(options: QueueOptions<K>): Queue<K> {
  const { clock, signal, logger } = options;
  const concurrency = options.concurrency ?? AGENT_LIMITS.concurrency;
  const items = new Map<K, Item>();
  const ready: K[] = [];
  const active = new Set<Promise<void>>();

  const add = (key: K, delayMs = 0): void => {
    if (signal.aborted) return;
    const item = items.get(key) ?? { running: false, again: false, failures: 0, wake: undefined, dueMs: 0 };
    items.set(key, item);
    if (item.running) {
      item.again = true;
      return;
    }
    const dueMs = clock.nowMs() + delayMs;
    if (item.wake !== undefined && item.dueMs <= dueMs) return;
    item.wake?.abort();
    const wake = new AbortController();
    item.wake = wake;
    item.dueMs = dueMs;
    void wakeUp(key, item, { delayMs, wake });
  };

  const wakeUp = async (key: K, item: Item, timer: { readonly delayMs: number; readonly wake: AbortController }): Promise<void> => {
    try {
      await clock.sleep(timer.delayMs, AbortSignal.any([signal, timer.wake.signal]));
    } catch {
      // Asked to run earlier, or stopping: this timer has nothing left to do.
      return;
    }
    item.wake = undefined;
    item.running = true;
    ready.push(key);
    pump();
  };

  const pump = (): void => {
    while (active.size < concurrency && !signal.aborted) {
      const key = ready.shift();
      const item = key === undefined ? undefined : items.get(key);
      if (key === undefined || item === undefined) return;
      const work = runOne(key, item).finally(() => {
        active.delete(work);
        pump();
      });
      active.add(work);
    }
  };

  const runOne = async (key: K, item: Item): Promise<void> => {
    item.again = false;
    let delayMs: number | undefined;
    try {
      const outcome = await bounded(options, key);
      item.failures = outcome.failed ? item.failures + 1 : 0;
      delayMs = outcome.failed ? backoffMs(item.failures) : outcome.againInMs;
    } catch (error) {
      item.failures += 1;
      delayMs = backoffMs(item.failures);
      if (!signal.aborted) logger.warn("reconcile failed; it is tried again", { key, failures: item.failures, retryInMs: delayMs, error });
    }
    item.running = false;
    if (item.again) add(key, AGENT_LIMITS.debounceMs);
    else if (delayMs !== undefined) add(key, delayMs);
    else items.delete(key);
  };

  return {
    add,
    drained: async () => {
      while (active.size > 0) await Promise.allSettled(active);
    },
  };
}

function backoffMs(failures: number): number {
  return Math.min(AGENT_LIMITS.retryMaxMs, AGENT_LIMITS.retryMinMs * 2 ** Math.min(failures - 1, 10));
}

async function bounded<K>(options: QueueOptions<K>, key: K): Promise<{ readonly againInMs?: number; readonly failed: boolean }> {
  const { clock, signal } = options;
  const done = new AbortController();
  const limit = new AbortController();
  const both = AbortSignal.any([signal, limit.signal]);
  const timer = clock.sleep(AGENT_LIMITS.reconcileMs, AbortSignal.any([signal, done.signal])).then(
    () => limit.abort(fail("it_contract.timed_out")),
    () => undefined,
  );
  // A dependency that ignores its signal must not hold the key either.
  const stopped = Promise.withResolvers<never>();
  const onAbort = (): void => stopped.reject(both.reason as Error);
  both.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([options.run(key, both), stopped.promise]);
  } finally {
    // A listener left behind would keep one signal per run alive for as long as the agent runs.
    both.removeEventListener("abort", onAbort);
    done.abort();
    await timer;
  }
}
