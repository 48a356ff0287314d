/**
 * Who weighs how much. Farms vote by proven capacity; stake votes when it was there before the proposal and is locked beyond
 * the vote's end. So neither node nor money can vote twice.
 */
import type { FarmId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Proposal } from "../../types/governance.ts";
import { stakes } from "../accounts/stake.ts";
import { readSupply } from "../accounts/supply.ts";
import type { StateReader } from "../api.ts";
import type { CallContext } from "../context.ts";
import { requireOwnFarm } from "../farms/store.ts";
import { actingTwin } from "../twins/store.ts";
import type { Source } from "./store.ts";
import { farmWeight } from "./weight.ts";

/** Power of one whole side: all capacity, or all stake. */
export const FULL_POWER = 1_000_000;
/** Below a thousandth of one side a twin is not counted as a voter: dust makes nobody a second key. */
export const VOTER_POWER = 1_000;
/** Stake weighs in full only when a twentieth of all TFT is staked; else the first coin staked would be a veto. */
const STAKE_SHARE = 20n;

export function allStake(state: StateReader, stakedUnits: bigint): bigint {
  const least = readSupply(state).totalUnits / STAKE_SHARE;
  return stakedUnits > least ? stakedUnits : least;
}

const share = (part: bigint, whole: bigint): number => {
  if (whole === 0n) return 0;
  const power = Number((part * BigInt(FULL_POWER)) / whole);
  return Math.min(power, FULL_POWER);
};

/** By what the signer votes, and how much that is. @throws GridError governance.no_power */
export function powerOf(context: CallContext, proposal: Proposal, farmId: FarmId | null): { readonly source: Source; readonly power: number } {
  const { state } = context;
  const twin = actingTwin(context);
  const source: Source = farmId === null ? { kind: "s", id: twin.id } : { kind: "f", id: requireOwnFarm(context, farmId).id };
  const stake = stakes.get(state, twin.id);
  const locked = stake !== undefined && stake.sinceMs < proposal.createdAtMs && stake.unlocksAtMs >= Math.max(proposal.endsAtMs, proposal.executesAtMs);
  const power =
    farmId === null
      ? share(locked ? stake.amountUnits : 0n, proposal.stakeTotal)
      : share(farmWeight(state, farmId), proposal.farmTotal);
  if (power > 0) return { source, power };
  throw runtimeErrors.fail("governance.no_power", { details: { proposalId: proposal.id, twinId: twin.id, farmId } });
}
