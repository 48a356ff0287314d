/**
 * Submissions of this server: handed to cometbft in order of arrival, one request at a time with whatever has come meanwhile,
 * and answered when they are in a committed block or refused by our own CheckTx.
 */
import type { Clock, GridError, Hex, Logger } from "@tfgrid/primitives";
import { COMET_LIMITS } from "../../limits.ts";
import { chainErrors } from "../../light/errors.ts";
import type { TxResult } from "../engine.ts";
import { cometErrors } from "./errors.ts";
import type { BroadcastAnswer, CometRpc } from "./rpc.ts";

interface Submission {
  readonly hash: Hex;
  readonly bytes: Uint8Array;
  readonly result: PromiseWithResolvers<TxResult>;
  readonly sinceMs: number;
  sentMs: number;
}

export interface SubmissionsOptions {
  readonly rpc: Pick<CometRpc, "broadcast">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Why nothing can be included now, or undefined. */
  readonly standstill: () => GridError | undefined;
}

/** Bytes of the transactions in one request; more than one transaction of any size fits. */
const REQUEST_BYTES = 2 * 1024 * 1024;

export class Submissions {
  readonly #options: SubmissionsOptions;
  readonly #open = new Map<Hex, Submission>();
  #queue: Submission[] = [];
  #sending = false;
  #stopped = false;

  constructor(options: SubmissionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @throws GridError mempool.full, chain.stopped, chain.no_quorum, chain.catching_up; rejects with tx.* */
  submit(hash: Hex, bytes: Uint8Array): Promise<TxResult> {
    const known = this.#open.get(hash);
    if (known !== undefined) return known.result.promise;
    if (this.#stopped) throw chainErrors.fail("chain.stopped");
    if (this.#open.size >= COMET_LIMITS.waiting) throw chainErrors.fail("mempool.full", { details: { transactions: this.#open.size } });
    const standstill = this.#options.standstill();
    if (standstill !== undefined) throw standstill;
    const nowMs = this.#options.clock.nowMs();
    const submission = { hash, bytes, result: Promise.withResolvers<TxResult>(), sinceMs: nowMs, sentMs: nowMs };
    this.#open.set(hash, submission);
    this.#enqueue(submission);
    return submission.result.promise;
  }

  committed(results: readonly TxResult[]): void {
    for (const result of results) this.#take(result.hash)?.result.resolve(result);
  }

  refused(hash: Hex, error: GridError): void {
    this.#take(hash)?.result.reject(error);
  }

  /** Called from time to time: gives up what waited too long, and hands over again what cometbft may have forgotten. */
  sweep(): void {
    const nowMs = this.#options.clock.nowMs();
    const standstill = this.#options.standstill();
    for (const submission of this.#open.values()) {
      const { hash, sinceMs, sentMs } = submission;
      if (nowMs - sinceMs >= COMET_LIMITS.submitTimeoutMs) {
        this.refused(hash, standstill ?? cometErrors.fail("chain.not_yet_included", { details: { hash, waitedMs: nowMs - sinceMs } }));
      } else if (nowMs - sentMs >= COMET_LIMITS.rebroadcastMs) this.#enqueue(submission);
    }
  }

  stop(error: GridError = chainErrors.fail("chain.stopped")): void {
    this.#stopped = true;
    this.#queue = [];
    for (const hash of this.#open.keys()) this.refused(hash, error);
  }

  #take(hash: Hex): Submission | undefined {
    const submission = this.#open.get(hash);
    this.#open.delete(hash);
    return submission;
  }

  #enqueue(submission: Submission): void {
    submission.sentMs = this.#options.clock.nowMs();
    this.#queue.push(submission);
    if (this.#sending) return;
    this.#sending = true;
    // Not at once: what arrives in the same turn goes in the same request.
    setImmediate(() => void this.#send());
  }

  async #send(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#nextBatch();
      try {
        const answers = await this.#options.rpc.broadcast(batch.map(({ bytes }) => bytes));
        for (const [index, submission] of batch.entries()) this.#onAnswer(submission, answers[index] as BroadcastAnswer);
      } catch (error) {
        for (const { hash } of batch) this.refused(hash, cometErrors.fail("cometbft.not_answering", { cause: error }));
      }
    }
    this.#sending = false;
  }

  #nextBatch(): Submission[] {
    let bytes = 0;
    const fitting = this.#queue.slice(0, COMET_LIMITS.broadcastTxs).findIndex((submission, index) => {
      bytes += submission.bytes.length;
      return index > 0 && bytes > REQUEST_BYTES;
    });
    const count = fitting === -1 ? COMET_LIMITS.broadcastTxs : fitting;
    return this.#queue.splice(0, count);
  }

  #onAnswer({ hash }: Submission, answer: BroadcastAnswer): void {
    switch (answer.kind) {
      case "taken":
      // It waits already, or was seen a moment ago: our CheckTx or a block decides.
      case "known":
        return;
      case "full":
        return this.refused(hash, chainErrors.fail("mempool.full"));
      case "failed":
        this.#options.logger.warn("cometbft did not take a transaction", { hash, reason: answer.message });
        return this.refused(hash, cometErrors.fail("cometbft.not_answering", { message: `cometbft did not take the transaction: ${answer.message}` }));
      default:
        answer satisfies never;
    }
  }
}
