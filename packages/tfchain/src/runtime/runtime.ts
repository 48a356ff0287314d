import { verify as verifyPure } from "@tfgrid/primitives";
import type { ChainEvent } from "../types/events.ts";
import type { Runtime } from "./api.ts";
import { carryOutDue } from "./billing/due.ts";
import type { Context, Verify } from "./context.ts";
import { initGenesis } from "./genesis.ts";
import { invariants } from "./invariants.ts";
import { beat, nextBlockMs } from "./nodes/pulse.ts";
import { queries } from "./queries.ts";
import { stateKeys } from "./state-keys.ts";
import { overlay } from "./store/overlay.ts";
import { admit } from "./transactions/check.ts";
import { decodeTx } from "./transactions/decode.ts";
import { adjustFee } from "./transactions/fee.ts";
import { deliverTx } from "./transactions/deliver.ts";
import { recordAll } from "./validators/misbehaviour.ts";

export interface RuntimeOptions {
  /** For join tokens. Must decide exactly as `verify` of primitives does, or validators disagree. */
  readonly verify?: Verify;
}

/** The ledger's state machine: a function of the state and the blocks, and of nothing else. */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  const { verify = verifyPure } = options;
  return {
    decodeTx,
    initGenesis,
    checkTx: (state, block, decoded, pendingNonce) => void admit({ state, block, verify, decoded, pendingNonce }),
    beginBlock: (state, block) => {
      const events: ChainEvent[] = [];
      const work = overlay(state);
      const context: Context = { state: work, block, emit: (event) => void events.push(event) };
      adjustFee(context);
      beat(context);
      recordAll(context);
      carryOutDue(context);
      work.commit();
      return events;
    },
    deliverTx: (state, block, decoded) => deliverTx({ state, block, verify, decoded }),
    nextDueMs: nextBlockMs,
    queries,
    keys: stateKeys,
    invariants,
  };
}
