/** One block through the runtime: from a state and transactions to results, events and the writes to store. */
import type { BlockContext, Runtime, TxOutcome } from "../runtime/api.ts";
import { rowsOver } from "../runtime/index.ts";
import type { SealedDraft, StateStore } from "../state/index.ts";
import type { ChainEvent } from "../types/index.ts";
import type { PendingTx } from "./mempool.ts";

export interface Execution {
  readonly sealed: SealedDraft;
  readonly included: readonly PendingTx[];
  readonly outcomes: readonly TxOutcome[];
  /** Of time-based work; they come before those of the transactions. */
  readonly events: readonly ChainEvent[];
}

/** @throws what came from the machine: nothing of it is kept */
export function execute(options: { readonly runtime: Runtime; readonly state: StateStore; readonly context: BlockContext; readonly txs: readonly PendingTx[] }): Execution {
  const { runtime, state, context, txs } = options;
  const draft = state.draft();
  const rows = rowsOver(draft);
  const events = runtime.beginBlock(rows, context);
  const outcomes = txs.map((tx) => runtime.deliverTx(rows, context, tx.decoded));
  return { sealed: draft.seal(context.height), included: txs, outcomes, events };
}
