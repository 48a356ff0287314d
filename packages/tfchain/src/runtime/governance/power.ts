/**
 * Who weighs how much. Farms vote by the capacity of nodes that were there before the proposal and have proven themselves;
 * stake votes when it is locked beyond the vote's end. So neither node nor money can vote twice.
 */
import { type FarmId, type NodeId, type Resources, cloudUnits } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Node } from "../../types/entities.ts";
import type { Proposal } from "../../types/governance.ts";
import { stakes } from "../accounts/stake.ts";
import { readSupply } from "../accounts/supply.ts";
import type { StateReader } from "../api.ts";
import type { CallContext } from "../context.ts";
import { requireOwnFarm } from "../farms/store.ts";
import { provenUpMs } from "../nodes/proven.ts";
import { nodes, nodesByFarm, readLife } from "../nodes/store.ts";
import { readPolicy } from "../policy/store.ts";
import { actingTwin } from "../twins/store.ts";
import type { Source } from "./store.ts";

/** Power of one whole side: all capacity, or all stake. */
export const FULL_POWER = 1_000_000;
/** Below a thousandth of one side a twin is not counted as a voter: dust makes nobody a second key. */
export const VOTER_POWER = 1_000;
/** Stake weighs in full only when a twentieth of all TFT is staked; else the first coin staked would be a veto. */
const STAKE_SHARE = 20n;

export const capacityWeight = (total: Resources): bigint => {
  const { cuMicro, suMicro } = cloudUnits(total);
  return 2n * cuMicro + suMicro;
};

function counts(state: StateReader, node: Node, bornBeforeMs: number): boolean {
  return node.up && node.createdAtMs < bornBeforeMs && provenUpMs(node, readLife(state, node.id)) >= readPolicy(state).governance.provenMs;
}

export function allCapacity(state: StateReader, nowMs: number): bigint {
  let sum = 0n;
  for (const node of nodes.all(state)) if (counts(state, node, nowMs)) sum += capacityWeight(node.total);
  return sum;
}

export function allStake(state: StateReader, stakedUnits: bigint): bigint {
  const least = readSupply(state).totalUnits / STAKE_SHARE;
  return stakedUnits > least ? stakedUnits : least;
}

function farmCapacity(state: StateReader, id: FarmId, bornBeforeMs: number): bigint {
  let sum = 0n;
  for (const nodeId of nodesByFarm.ids(state, [id])) {
    const node = nodes.get(state, nodeId as NodeId);
    if (node !== undefined && counts(state, node, bornBeforeMs)) sum += capacityWeight(node.total);
  }
  return sum;
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
      : share(farmCapacity(state, farmId, proposal.createdAtMs), proposal.farmTotal);
  if (power > 0) return { source, power };
  throw runtimeErrors.fail("governance.no_power", { details: { proposalId: proposal.id, twinId: twin.id, farmId } });
}
