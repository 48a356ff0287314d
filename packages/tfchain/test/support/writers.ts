/** Clients that write without pause through whatever happens, and remember exactly what was acknowledged. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Hex, type KeyPair, isGridError } from "@tfgrid/primitives";
import { type ChainAccess, connectChain } from "../../src/index.ts";

export interface Acknowledged {
  readonly hash: Hex;
  readonly height: number;
  readonly atMs: number;
}

/** ms that a writer waits after a refusal. */
const AFTER_REFUSAL_MS = 100;

export class Writers {
  readonly acknowledged: Acknowledged[] = [];
  /** Code -> how often a writer met it. */
  readonly refusals = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;

  /** Each begins with another server. */
  constructor(options: { readonly access: ChainAccess; readonly keys: readonly KeyPair[]; readonly to: KeyPair }) {
    const { access, keys, to } = options;
    this.#done = Promise.all(
      keys.map((key, index) => {
        const first = index % access.urls.length;
        const urls = [...access.urls.slice(first), ...access.urls.slice(0, first)];
        return this.#write({ access: { ...access, urls }, key, to });
      }),
    );
    // Awaited by `stop`; until then a failure must not end the process.
    this.#done.catch(() => undefined);
  }

  async #write({ access, key, to }: { readonly access: ChainAccess; readonly key: KeyPair; readonly to: KeyPair }): Promise<void> {
    const client = connectChain(access);
    while (!this.#stop.signal.aborted) {
      try {
        const { hash, height } = await client.submit(key, [{ type: "accounts.transfer", to: to.account, amountUnits: 1n }], { signal: this.#stop.signal });
        this.acknowledged.push({ hash: hash as Hex, height, atMs: Date.now() });
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        if (!isGridError(error)) throw error;
        this.refusals.set(error.code, (this.refusals.get(error.code) ?? 0) + 1);
        await sleep(AFTER_REFUSAL_MS);
      }
    }
    await client.close();
  }

  /** Seconds of the longest time without an acknowledgement since then. */
  longestPause(sinceMs: number): number {
    const times = [sinceMs, ...this.acknowledged.map(({ atMs }) => atMs).filter((atMs) => atMs > sinceMs), Date.now()].sort((a, b) => a - b);
    return Math.max(...times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs))) / 1_000;
  }

  /** @throws whatever a writer met that no ledger says */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}
