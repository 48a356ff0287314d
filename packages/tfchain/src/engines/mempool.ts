/** Transactions that wait for a block: bounded in number, bytes and per account, in order of arrival. */
import type { AccountId, Hex } from "@tfgrid/primitives";
import { ENGINE_LIMITS } from "../limits.ts";
import { chainErrors } from "../light/errors.ts";
import type { DecodedTx } from "../runtime/api.ts";
import type { TxResult } from "./engine.ts";

export interface PendingTx {
  readonly bytes: Uint8Array;
  readonly decoded: DecodedTx;
  readonly result: PromiseWithResolvers<TxResult>;
}

export class Mempool {
  readonly #queue = new Map<Hex, PendingTx>();
  /** Number that the account's next transaction must carry, and how many wait. */
  readonly #accounts = new Map<AccountId, { nextNonce: number; count: number }>();
  /** Of those that wait, the ones that nobody hurries for. */
  readonly #patient = new Set<PendingTx>();
  #bytes = 0;

  get size(): number {
    return this.#queue.size;
  }

  /** How many want a block at once. */
  get urgent(): number {
    return this.#queue.size - this.#patient.size;
  }

  get(hash: Hex): PendingTx | undefined {
    return this.#queue.get(hash);
  }

  /** undefined: nothing of this account waits, so the state's number counts. */
  nextNonce(account: AccountId): number | undefined {
    return this.#accounts.get(account)?.nextNonce;
  }

  /** @throws GridError mempool.full, mempool.account_full */
  requireRoom(account: AccountId, sizeBytes: number): void {
    if (this.#queue.size >= ENGINE_LIMITS.mempoolTxs || this.#bytes + sizeBytes > ENGINE_LIMITS.mempoolBytes) {
      throw chainErrors.fail("mempool.full", { details: { transactions: this.#queue.size, sizeBytes: this.#bytes } });
    }
    const count = this.#accounts.get(account)?.count ?? 0;
    if (count >= ENGINE_LIMITS.mempoolTxsPerAccount) throw chainErrors.fail("mempool.account_full", { details: { account, waiting: count } });
  }

  add(tx: PendingTx, isPatient: boolean): void {
    const { signer, nonce } = tx.decoded.tx.body;
    this.#queue.set(tx.decoded.hash, tx);
    if (isPatient) this.#patient.add(tx);
    this.#bytes += tx.bytes.length;
    this.#accounts.set(signer, { nextNonce: nonce + 1, count: (this.#accounts.get(signer)?.count ?? 0) + 1 });
  }

  /** The oldest that fit into one block; they stay until `remove`. */
  next(): PendingTx[] {
    const taken: PendingTx[] = [];
    let bytes = 0;
    for (const tx of this.#queue.values()) {
      bytes += tx.bytes.length;
      if (taken.length >= ENGINE_LIMITS.blockTxs || (taken.length > 0 && bytes > ENGINE_LIMITS.blockBytes)) break;
      taken.push(tx);
    }
    return taken;
  }

  remove(tx: PendingTx): void {
    if (!this.#queue.delete(tx.decoded.hash)) return;
    this.#patient.delete(tx);
    this.#bytes -= tx.bytes.length;
    const { signer } = tx.decoded.tx.body;
    const account = this.#accounts.get(signer);
    if (account === undefined) return;
    if (account.count <= 1) this.#accounts.delete(signer);
    else account.count -= 1;
  }

  /** A block had no room for what still waits: it has waited enough. */
  hurry(): void {
    this.#patient.clear();
  }

  /** Everything, for an engine that stops. */
  drain(): PendingTx[] {
    const all = [...this.#queue.values()];
    this.#queue.clear();
    this.#patient.clear();
    this.#accounts.clear();
    this.#bytes = 0;
    return all;
  }
}
