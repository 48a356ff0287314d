import { type GridError, verify as verifyPure } from "@tfgrid/primitives";
import { runtimeErrors } from "../errors.ts";
import type { ChainEvent } from "../types/events.ts";
import type { Runtime, StateReader } from "./api.ts";
import type { Context, Verify } from "./context.ts";
import { gatherMs, isDue } from "./due-pace.ts";
import { type DueWork, carryOutDue } from "./due-work.ts";
import { initGenesis } from "./genesis.ts";
import { invariants } from "./invariants.ts";
import { beat, nextBlockMs, touch } from "./nodes/pulse.ts";
import { DUE_HANDLERS, queries } from "./modules.ts";
import { stateKeys } from "./state-keys.ts";
import { overlay } from "./store/overlay.ts";
import { admit } from "./transactions/check.ts";
import { isPatient } from "./transactions/patience.ts";
import { refusalOf, watchReader } from "./transactions/contain.ts";
import { decodeTx } from "./transactions/decode.ts";
import { adjustFee } from "./transactions/fee.ts";
import { deliverTx } from "./transactions/deliver.ts";
import { createUpgrades } from "./upgrades/apply.ts";
import type { Migration } from "./upgrades/migrations.ts";
import { recordAll } from "./validators/misbehaviour.ts";

export interface RuntimeOptions {
  /** For join tokens. Must decide exactly as `verify` of primitives does, or validators disagree. */
  readonly verify?: Verify;
  /** Instead of the ledger's own: tests of upgrades that do not exist yet. */
  readonly migrations?: readonly Migration[];
  /** Rows of a migration in one block. */
  readonly migrationRows?: number;
  /** Instead of the ledger's own: tests of bugs that do not exist yet. */
  readonly due?: DueWork["handlers"];
  /** Hears of bugs in time-based work, for the log. */
  readonly noteBug?: DueWork["noteBug"];
}

/** The ledger's state machine: a function of the state and the blocks, and of nothing else. */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  const { verify = verifyPure, migrations, migrationRows, due: handlers = DUE_HANDLERS, noteBug = () => undefined } = options;
  const upgrades = createUpgrades(migrations, migrationRows);
  const refused = (state: StateReader): GridError | undefined => (upgrades.busy(state) ? runtimeErrors.fail("tx.upgrading") : undefined);
  /** All but the work that is due; answers whether any is. */
  const beginWith = (context: Context): boolean => {
    recordAll(context);
    // A long migration is a standstill for all else: no pulse, so that the first block after it takes nobody's silence for death.
    if (upgrades.advance(context)) return false;
    const feeMoved = adjustFee(context);
    const due = isDue(context);
    beat(context, feeMoved || due);
    return due;
  };
  return {
    decodeTx,
    initGenesis: (state, value, block) => {
      initGenesis(state, value, block);
      // An exported state may be of a version that this program does not know yet.
      upgrades.requireSupported(state, block.height + 1);
    },
    checkTx: (state, block, decoded, pendingNonce) => {
      const upgrading = refused(state);
      if (upgrading !== undefined) throw upgrading;
      const watched = watchReader(state);
      try {
        admit({ state: watched.state, block, verify, decoded, pendingNonce });
      } catch (error) {
        throw refusalOf(error, watched.hasFailed());
      }
    },
    requireSupported: (state, height) => upgrades.requireSupported(state, height),
    beginBlock: (state, block) => {
      upgrades.requireSupported(state, block.height);
      const events: ChainEvent[] = [];
      const emit = (event: ChainEvent): void => void events.push(event);
      const first = overlay(state);
      const due = beginWith({ state: first, block, emit });
      first.commit();
      if (due) carryOutDue({ state, block, emit }, { handlers, noteBug });
      return events;
    },
    deliverTx: (state, block, decoded) => {
      const upgrading = refused(state);
      if (upgrading === undefined) {
        touch({ state, block });
        return deliverTx({ state, block, verify, decoded });
      }
      return { hash: decoded.hash, ok: false, feeUnits: 0n, events: [], error: upgrading.toWire() };
    },
    nextDueMs: (state) => (upgrades.busy(state) ? 0 : nextBlockMs(state)),
    gatherMs,
    isPatient,
    queries,
    keys: stateKeys,
    invariants,
  };
}
