/**
 * What the mempool may take: the runtime's own check against the last committed state, with the transactions of the same
 * account that wait already counted in. Forgotten at each commit, and built up again by cometbft's rechecks.
 */
import type { AccountId, Hex } from "@tfgrid/primitives";
import { ENGINE_LIMITS } from "../../limits.ts";
import { chainErrors } from "../../light/errors.ts";
import type { BlockContext, DecodedTx, Runtime, StateReader } from "../../runtime/api.ts";

export class Admission {
  readonly #runtime: Pick<Runtime, "checkTx">;
  readonly #admitted = new Set<Hex>();
  readonly #waiting = new Map<AccountId, { readonly nextNonce: number; readonly count: number }>();

  constructor(runtime: Pick<Runtime, "checkTx">) {
    this.#runtime = runtime;
  }

  /** @throws GridError tx.*, mempool.account_full */
  admit(state: StateReader, context: BlockContext, decoded: DecodedTx): void {
    const { signer, nonce } = decoded.tx.body;
    // cometbft asks again about one that waits already when it forgot having seen it: refusing it would tell its sender a lie.
    if (this.#admitted.has(decoded.hash)) return;
    const waiting = this.#waiting.get(signer);
    const count = waiting?.count ?? 0;
    if (count >= ENGINE_LIMITS.mempoolTxsPerAccount) throw chainErrors.fail("mempool.account_full", { details: { account: signer, waiting: count } });
    this.#runtime.checkTx(state, context, decoded, waiting?.nextNonce);
    this.#admitted.add(decoded.hash);
    this.#waiting.set(signer, { nextNonce: nonce + 1, count: count + 1 });
  }

  reset(): void {
    this.#admitted.clear();
    this.#waiting.clear();
  }
}
