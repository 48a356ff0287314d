/**
 * How much capacity votes: per farm and in all, kept up to date as the books of nodes are looked at, so that a vote reads one
 * number however many nodes there are. A node counts once it has proven at least as much time as a vote lasts: none can
 * register after a proposal and still decide on it, nor leave one farm and vote again in another.
 */
import { type FarmId, type Resources, cloudUnits, s } from "@tfgrid/primitives";
import type { Node } from "../../types/entities.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { readPolicy } from "../policy/store.ts";
import { cell, table } from "../store/table.ts";

export const farmWeights = table<FarmId, bigint>({ prefix: "farm-weight", schema: s.units() });
export const farmWeightCell = cell("meta/farm-weight", s.units());

export const farmWeight = (state: StateReader, id: FarmId): bigint => farmWeights.get(state, id) ?? 0n;
export const allFarmWeight = (state: StateReader): bigint => farmWeightCell.get(state) ?? 0n;

/** 2 x CU + SU, in millionths. */
export const capacityWeight = (total: Resources): bigint => {
  const { cuMicro, suMicro } = cloudUnits(total);
  return 2n * cuMicro + suMicro;
};

export function weightOf(state: StateReader, node: Node, proven: { readonly provenMs: number; readonly least: Resources }): bigint {
  const { provenMs, votingMs } = readPolicy(state).governance;
  return node.up && proven.provenMs >= Math.max(provenMs, votingMs) ? capacityWeight(proven.least) : 0n;
}

export function changeWeight(state: StateWriter, id: FarmId, delta: bigint): void {
  if (delta === 0n) return;
  farmWeightCell.put(state, allFarmWeight(state) + delta);
  const next = farmWeight(state, id) + delta;
  if (next === 0n) farmWeights.delete(state, id);
  else farmWeights.put(state, id, next);
}
