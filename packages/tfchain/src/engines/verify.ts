/**
 * Signatures of transactions, checked away from the thread that carries blocks out. What arrives in one turn of the event loop
 * goes to a thread in one batch: a message costs more than a signature's share of it. A few at a time are checked in place, so
 * that a quiet ledger needs no thread at all.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type AccountId, type Hex, hexToBytes, type SignedBytes, verifyBytes } from "@tfgrid/primitives";
import { ENGINE_LIMITS } from "../limits.ts";
import { packSigned } from "./verify-batch.ts";

interface Job {
  readonly signed: SignedBytes;
  readonly resolve: (valid: boolean) => void;
}

/** One thread; answers come back in the order of the batches. */
class Checker {
  readonly #worker = new Worker(new URL("verify-worker.ts", import.meta.url), { execArgv: [] });
  readonly #batches: (readonly Job[])[] = [];
  waiting = 0;
  lost = false;

  constructor() {
    this.#worker.unref();
    this.#worker.on("message", (verdicts: Uint8Array) => {
      const jobs = this.#batches.shift() ?? [];
      this.waiting -= jobs.length;
      // Only while it works does the thread keep the program from ending.
      if (this.waiting === 0) this.#worker.unref();
      jobs.forEach((job, index) => job.resolve(verdicts[index] === 1));
    });
    // A thread that died (out of memory) leaves its work to this one.
    this.#worker.on("error", () => this.#giveUp());
    this.#worker.on("exit", () => this.#giveUp());
  }

  check(jobs: readonly Job[]): void {
    this.#batches.push(jobs);
    this.#worker.ref();
    this.waiting += jobs.length;
    const packed = packSigned(jobs.map(({ signed }) => signed));
    this.#worker.postMessage(packed, [packed.buffer]);
  }

  #giveUp(): void {
    this.lost = true;
    for (const jobs of this.#batches.splice(0)) checkHere(jobs);
  }
}

function checkHere(jobs: readonly Job[]): void {
  for (const { signed, resolve } of jobs) resolve(verifyBytes(signed));
}

/** All but one processor: that one carries the blocks out. */
const MAX_CHECKERS = Math.min(ENGINE_LIMITS.signatureThreads, Math.max(1, availableParallelism() - 1));
let checkers: Checker[] = [];
let arrived: Job[] = [];

function flush(): void {
  const jobs = arrived;
  arrived = [];
  checkers = checkers.filter(({ lost }) => !lost);
  const isQuiet = checkers.every(({ waiting }) => waiting === 0);
  if (isQuiet && jobs.length <= ENGINE_LIMITS.signaturesInPlace) return checkHere(jobs);
  const least = checkers.toSorted((a, b) => a.waiting - b.waiting)[0];
  if (least !== undefined && (least.waiting === 0 || checkers.length >= MAX_CHECKERS)) return least.check(jobs);
  const fresh = new Checker();
  checkers.push(fresh);
  fresh.check(jobs);
}

/** As `verify` of primitives for transactions, beside the event loop. `signBytes` carry the domain label. */
export function verifyTx(options: { readonly account: AccountId; readonly signBytes: Uint8Array; readonly signature: Hex }): Promise<boolean> {
  const { account, signBytes: bytes, signature } = options;
  if (!/^[0-9a-f]{64}$/.test(account) || !/^[0-9a-f]{128}$/.test(signature)) return Promise.resolve(false);
  const signed = { key: hexToBytes(account), signature: hexToBytes(signature), bytes };
  return new Promise((resolve) => {
    if (arrived.length === 0) setImmediate(flush);
    arrived.push({ signed, resolve });
  });
}
