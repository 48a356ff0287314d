/**
 * What consensus proved against validators is written down, so that governance can act on it and everybody can see it. The
 * ledger punishes nobody by itself: a stolen key must not burn what its owner could still save.
 */
import { height as heightSchema } from "../../types/entities.ts";
import type { MisbehaviourReport } from "../../types/validators.ts";
import type { Context } from "../context.ts";
import { nextId } from "../params/store.ts";
import { misbehaviourIds, misbehaviours, validatorKeys } from "./store.ts";

/** At the beginning of the block that carries it. The same offence reported again changes nothing. */
export function recordMisbehaviour({ state, block, emit }: Context, report: MisbehaviourReport): void {
  const { kind, address, power, totalPower, height, timeMs } = report;
  const offence = `${address}/${height}/${kind}`;
  if (misbehaviourIds.get(state, offence) !== undefined) return;
  const id = nextId<number>(state, "misbehaviour");
  const publicKey = validatorKeys.get(state, address) ?? null;
  misbehaviourIds.put(state, offence, id);
  const recorded = { recordedAtHeight: heightSchema.fromCbor(block.height), recordedAtMs: block.timeMs };
  misbehaviours.put(state, id, { id, kind, address, power, totalPower, height, timeMs, publicKey, ...recorded });
  emit({ type: "validators.misbehaved", id, kind, address, publicKey, height });
}

export function recordAll(context: Context): void {
  for (const report of context.block.misbehaviour ?? []) recordMisbehaviour(context, report);
}
