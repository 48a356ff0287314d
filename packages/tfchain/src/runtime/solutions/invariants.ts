import type { World } from "../module.ts";
import { readPurse, solutionIdByName } from "./store.ts";

/** Every active part is in exactly its solution, and a solution's purse counts what its parts cost. */
export function* ownsItsParts({ state, active, solutions: all }: World): Iterable<string> {
  const owner = new Map<number, number>();
  const costs = new Map(active.map((row) => [row.id, row.costPerHourUnits]));
  for (const solution of all) {
    let cost = 0n;
    for (const id of solution.parts) {
      if (owner.has(id)) yield `contract ${id} is part of solutions ${owner.get(id)} and ${solution.id}`;
      owner.set(id, solution.id);
      if (!costs.has(id)) yield `solution ${solution.id} lists contract ${id}, which does not live`;
      cost += costs.get(id) ?? 0n;
    }
    if (readPurse(state, solution.id).costPerHourUnits !== cost) yield `solution ${solution.id} counts another cost than its parts`;
    if (solution.state === "cancelled" && (solution.parts.length > 0 || solution.escrowUnits > 0n))
      yield `solution ${solution.id} left something over`;
    const named = solutionIdByName.get(state, solutionIdByName.of(solution.twinId, solution.name)) === solution.id;
    if (named !== (solution.state !== "cancelled")) yield `solution ${solution.id} is not found under its name, or still is`;
  }
  for (const row of active) {
    if ((owner.get(row.id) ?? null) !== row.solutionId)
      yield `contract ${row.id} belongs to ${row.solutionId}, listed in ${owner.get(row.id)}`;
    if (row.solutionId !== null && row.escrowUnits !== 0n) yield `part ${row.id} has money of its own`;
  }
}
