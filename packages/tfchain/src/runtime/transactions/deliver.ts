import type { Call, ChainEvent } from "../../types/index.ts";
import { accounts, credit, readAccount } from "../accounts/store.ts";
import type { BlockContext, DecodedTx, StateWriter, TxOutcome } from "../api.ts";
import { applyCall } from "../calls.ts";
import type { Verify } from "../context.ts";
import { readConstitution } from "../params/store.ts";
import { overlay } from "../store/overlay.ts";
import { type Admission, admit } from "./check.ts";
import { refusalOf, watchWriter } from "./contain.ts";
import { countLoad } from "./fee.ts";

export interface Delivery {
  readonly state: StateWriter;
  readonly block: BlockContext;
  readonly verify: Verify;
  readonly decoded: DecodedTx;
}

/** Never throws for what a transaction holds. @throws what came from the machine: nothing of this block may be kept then */
export function deliverTx(delivery: Delivery): TxOutcome {
  const { decoded } = delivery;
  const { hash } = decoded;
  const { signer, calls } = decoded.tx.body;
  const { state, hasFailed } = watchWriter(delivery.state);
  let admission: Admission;
  try {
    admission = admit({ ...delivery, state });
  } catch (error) {
    return { hash, ok: false, feeUnits: 0n, events: [], error: refusalOf(error, hasFailed()).toWire() };
  }
  const { feeUnits } = admission;
  takeFee({ ...delivery, state }, admission);
  const batch = overlay(state);
  const events: ChainEvent[] = [];
  const emit = (event: ChainEvent): void => void events.push(event);
  try {
    for (const call of calls) applyCall({ ...delivery, state: batch, signer, emit }, call satisfies Call);
    batch.commit();
  } catch (error) {
    return { hash, ok: false, feeUnits, events: [], error: refusalOf(error, hasFailed()).toWire() };
  }
  return { hash, ok: true, feeUnits, events };
}

/** Number, fee and allowance are gone whatever becomes of the calls: refused work is not free either. */
function takeFee({ state, block, decoded }: Delivery, admission: Admission): void {
  const { signer } = decoded.tx.body;
  const account = readAccount(state, signer);
  accounts.put(state, signer, { ...account, nonce: account.nonce + 1, freeUnits: account.freeUnits - admission.feeUnits });
  admission.useAllowance(state);
  if (admission.feeUnits > 0n) countLoad(state, block.height, decoded.sizeBytes);
  credit(state, readConstitution(state).validatorsPool, admission.feeUnits);
}
