/** One block through the runtime: from a state and transactions to results, events and the writes to store. */
import type { Logger } from "@tfgrid/primitives";
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
  /** Transactions on which the runtime itself failed: left out, so that one of them cannot stop the chain for all. */
  readonly failed: readonly { readonly tx: PendingTx; readonly error: unknown }[];
}

export function execute(options: {
  readonly runtime: Runtime;
  readonly state: StateStore;
  readonly context: BlockContext;
  readonly txs: readonly PendingTx[];
  readonly logger: Logger;
}): Execution {
  const { runtime, state, context, logger } = options;
  const failed: { tx: PendingTx; error: unknown }[] = [];
  for (let txs = options.txs; ; ) {
    const draft = state.draft();
    const rows = rowsOver(draft);
    const events = runtime.beginBlock(rows, context);
    const outcomes: TxOutcome[] = [];
    try {
      for (const tx of txs) outcomes.push(runtime.deliverTx(rows, context, tx.decoded));
    } catch (error) {
      const tx = txs[outcomes.length] as PendingTx;
      logger.error("the runtime failed on a transaction; it is left out", { hash: tx.decoded.hash, height: context.height, error });
      failed.push({ tx, error });
      txs = txs.toSpliced(outcomes.length, 1);
      continue;
    }
    return { sealed: draft.seal(context.height), included: txs, outcomes, events, failed };
  }
}
