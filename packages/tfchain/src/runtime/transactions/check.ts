/** May this transaction be taken at all? Asked by the mempool and again when the block is carried out. */
import { runtimeErrors } from "../../errors.ts";
import { readAccount } from "../accounts/store.ts";
import type { BlockContext, DecodedTx, StateReader, StateWriter } from "../api.ts";
import type { Verify } from "../context.ts";
import { readParams } from "../params/store.ts";
import { feeOf } from "./fee.ts";
import { allowance, rateLimited } from "./free.ts";

export interface TxCheck {
  readonly state: StateReader;
  readonly block: BlockContext;
  readonly verify: Verify;
  readonly decoded: DecodedTx;
  readonly pendingNonce?: number | undefined;
}

export interface Admission {
  readonly feeUnits: bigint;
  /** Counts a free transaction against its allowance. */
  readonly useAllowance: (state: StateWriter) => void;
}

/** @throws GridError tx.*, nodes.join_token_* */
export function admit(check: TxCheck): Admission {
  const { state, block, verify, decoded } = check;
  const { body } = decoded.tx;
  const params = readParams(state);
  if (body.chainId !== block.chainId) {
    const message = `The transaction is for chain ${body.chainId}, this is ${block.chainId}.`;
    throw runtimeErrors.fail("tx.wrong_chain", { message, details: { chainId: block.chainId, transactionChainId: body.chainId } });
  }
  if (block.height > body.expiresAtHeight) {
    throw runtimeErrors.fail("tx.expired", { details: { height: block.height, expiresAtHeight: body.expiresAtHeight } });
  }
  if (body.expiresAtMs !== undefined && block.timeMs > body.expiresAtMs) {
    throw runtimeErrors.fail("tx.expired", { details: { timeMs: block.timeMs, expiresAtMs: body.expiresAtMs } });
  }
  if (body.calls.length > params.maxCallsPerTx) {
    throw runtimeErrors.fail("tx.too_many_calls", { details: { calls: body.calls.length, max: params.maxCallsPerTx } });
  }
  const account = readAccount(state, body.signer);
  const expected = check.pendingNonce ?? account.nonce;
  if (body.nonce !== expected) {
    const message = `Account ${body.signer} is at number ${expected}, the transaction carries ${body.nonce}.`;
    throw runtimeErrors.fail("tx.bad_nonce", { message, details: { account: body.signer, expectedNonce: expected, nonce: body.nonce } });
  }
  const free = allowance({ state, block, verify, body });
  if (free.kind === "free") return { feeUnits: 0n, useAllowance: free.use };
  const feeUnits = feeOf(state, decoded.sizeBytes);
  if (body.maxFeeUnits !== undefined && feeUnits > body.maxFeeUnits) {
    const message = `The fee is ${feeUnits} units now, the transaction offers ${body.maxFeeUnits}.`;
    throw runtimeErrors.fail("tx.fee_above_max", { message, details: { feeUnits: feeUnits.toString(), maxFeeUnits: body.maxFeeUnits.toString() } });
  }
  if (account.freeUnits >= feeUnits) return { feeUnits, useAllowance: () => undefined };
  if (free.kind === "used_up") throw rateLimited(body);
  throw runtimeErrors.fail("tx.insufficient_balance", {
    message: `The fee is ${feeUnits} units, account ${body.signer} has ${account.freeUnits}.`,
    details: { account: body.signer, feeUnits: feeUnits.toString(), freeUnits: account.freeUnits.toString() },
  });
}
