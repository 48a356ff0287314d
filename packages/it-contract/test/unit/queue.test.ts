import { describe, expect, it } from "vitest";
import { silentLogger, systemClock } from "@tfgrid/primitives";
import { openQueue } from "../../src/agent/queue.ts";

const ok = { failed: false };

function setUp(run: (key: string, signal: AbortSignal) => Promise<{ failed: boolean; againInMs?: number }>, concurrency?: number) {
  const stop = new AbortController();
  const queue = openQueue<string>({ run, clock: systemClock, logger: silentLogger, signal: stop.signal, ...(concurrency === undefined ? {} : { concurrency }) });
  return { queue, stop };
}

describe("the work queue", () => {
  it("runs one key at a time and once more for hints that came meanwhile", async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const release: (() => void)[] = [];
    const { queue, stop } = setUp(async () => {
      running += 1;
      runs += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => release.push(resolve));
      running -= 1;
      return ok;
    });
    queue.add("a");
    await expect.poll(() => runs).toBe(1);
    queue.add("a");
    queue.add("a");
    release.shift()?.();
    await expect.poll(() => runs).toBe(2);
    release.shift()?.();
    await expect.poll(() => running).toBe(0);
    expect([most, runs]).toEqual([1, 2]);
    stop.abort();
  });

  it("is not held by a slow key", async () => {
    const done: string[] = [];
    const { queue, stop } = setUp((key) => (key === "slow" ? new Promise(() => undefined) : Promise.resolve(void done.push(key)).then(() => ok)), 2);
    queue.add("slow");
    for (const key of ["a", "b", "c"]) queue.add(key);
    await expect.poll(() => done.sort()).toEqual(["a", "b", "c"]);
    stop.abort(new Error("stop"));
    await queue.drained();
  });

  it("comes back after a failure, a reported failure and a wish", async () => {
    const runs = new Map<string, number>();
    const { queue, stop } = setUp(async (key) => {
      const count = (runs.get(key) ?? 0) + 1;
      runs.set(key, count);
      if (count > 1) return ok;
      if (key === "throws") throw new Error("no");
      return key === "fails" ? { failed: true } : { failed: false, againInMs: 5 };
    });
    for (const key of ["throws", "fails", "wishes"]) queue.add(key);
    await expect.poll(() => [...runs.values()]).toEqual([2, 2, 2]);
    stop.abort();
  });

  it("runs sooner when asked sooner", async () => {
    let runs = 0;
    const { queue, stop } = setUp(async () => {
      runs += 1;
      return ok;
    });
    queue.add("a", 600_000);
    queue.add("a", 1);
    await expect.poll(() => runs).toBe(1);
    stop.abort();
  });
});
