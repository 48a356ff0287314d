/** What became of a block's transactions: for our own tables, and for cometbft, which hashes code and data into the next header. */
import { create } from "@bufbuild/protobuf";
import { utf8 } from "@tfgrid/primitives";
import type { BlockContext, TxOutcome } from "../../runtime/api.ts";
import { type ChainEvent, type Head, eventBlock } from "../../types/index.ts";
import type { TxResult } from "../engine.ts";
import type { Verdict } from "./known-txs.ts";
import { type ExecTxResult, ExecTxResultSchema } from "./wire/index.ts";

export const ABCI_OK = 0;
export const ABCI_REFUSED = 1;
/** What a block may hold only when its proposer broke the rules. The code alone, so that every validator answers the same. */
const INVALID_TX = "tx.invalid";

/** `undefined`: no transaction that could be carried out. Code and data are consensus; the log is for people who read cometbft's. */
export function execResult(outcome: TxOutcome | undefined): ExecTxResult {
  if (outcome?.ok === true) return create(ExecTxResultSchema, { code: ABCI_OK });
  const code = outcome?.error?.code ?? INVALID_TX;
  return create(ExecTxResultSchema, { code: ABCI_REFUSED, data: utf8(code), codespace: code, log: outcome?.error?.message ?? "" });
}

/** Only what could be carried out has a signer and thus a result. Of bytes that stand in a block twice, the first counts. */
export function resultsOf(verdicts: readonly Verdict[], outcomes: readonly (TxOutcome | undefined)[], { height, timeMs }: BlockContext): TxResult[] {
  const results = new Map<string, TxResult>();
  for (const [index, verdict] of verdicts.entries()) {
    const outcome = outcomes[index];
    if (!verdict.ok || outcome === undefined || results.has(outcome.hash)) continue;
    const { signer, nonce } = verdict.decoded.tx.body;
    results.set(outcome.hash, { ...outcome, height: height as Head["height"], timeMs, signer, nonce });
  }
  return [...results.values()];
}

export function eventsJsonOf(events: readonly ChainEvent[], { height, timeMs }: BlockContext): string | undefined {
  if (events.length === 0) return undefined;
  return JSON.stringify(eventBlock.toJson({ height: height as Head["height"], timeMs, events }));
}
