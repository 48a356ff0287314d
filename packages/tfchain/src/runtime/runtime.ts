import { verify as verifyPure } from "@tfgrid/primitives";
import type { ChainEvent } from "../types/events.ts";
import type { Runtime } from "./api.ts";
import { carryOutDue } from "./billing/due.ts";
import type { Verify } from "./context.ts";
import { initGenesis } from "./genesis.ts";
import { invariants } from "./invariants.ts";
import { queries } from "./queries.ts";
import { stateKeys } from "./state-keys.ts";
import { firstDueMs } from "./store/due.ts";
import { overlay } from "./store/overlay.ts";
import { admit } from "./transactions/check.ts";
import { decodeTx } from "./transactions/decode.ts";
import { deliverTx } from "./transactions/deliver.ts";

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
      carryOutDue({ state: work, block, emit: (event) => void events.push(event) });
      work.commit();
      return events;
    },
    deliverTx: (state, block, decoded) => deliverTx({ state, block, verify, decoded }),
    nextDueMs: firstDueMs,
    queries,
    keys: stateKeys,
    invariants,
  };
}
