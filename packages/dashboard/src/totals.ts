/** Sums over what the explorer lists. Pure. */
import type { ContractRow, NodeRow } from "./api/types.ts";

export interface Amount {
  readonly used: number;
  readonly total: number;
}
export interface Totals {
  readonly nodes: number;
  readonly up: number;
  readonly cpuMilli: Amount;
  readonly memory: Amount;
  readonly disk: Amount;
}

const NONE: Amount = { used: 0, total: 0 };
const plus = (a: Amount, used: number, total: number): Amount => ({ used: a.used + used, total: a.total + total });

/** Capacity of nodes that are up: what a lost node offers, nobody can use. */
export function totalsOf(nodes: readonly NodeRow[]): Totals {
  let totals: Totals = { nodes: nodes.length, up: 0, cpuMilli: NONE, memory: NONE, disk: NONE };
  for (const node of nodes) {
    if (node.status !== "up") continue;
    const { total_resources: all, used_resources: used } = node;
    totals = {
      nodes: nodes.length,
      up: totals.up + 1,
      cpuMilli: plus(totals.cpuMilli, node.cpu_milli.used, node.cpu_milli.total),
      memory: plus(totals.memory, used.mru, all.mru),
      disk: plus(totals.disk, used.sru + used.hru, all.sru + all.hru),
    };
  }
  return totals;
}

/** What each solution's active contracts cost an hour together. */
export function costBySolution(contracts: readonly ContractRow[]): ReadonlyMap<number, bigint> {
  const costs = new Map<number, bigint>();
  for (const { solution_id: id, state, cost_per_hour_units: cost } of contracts) {
    if (id !== 0 && state !== "Deleted") costs.set(id, (costs.get(id) ?? 0n) + BigInt(cost));
  }
  return costs;
}
