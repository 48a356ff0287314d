/** What must hold between any two transactions. Reads the whole state: for tests and for looking into trouble. */
import type { StateReader } from "./api.ts";
import { contracts } from "./contracts/store.ts";
import { CHECKS } from "./modules.ts";
import { nodes } from "./nodes/store.ts";
import { solutions } from "./solutions/store.ts";

export function invariants(state: StateReader): readonly string[] {
  const all = [...contracts.all(state)];
  const active = all.filter((contract) => contract.state !== "deleted");
  const world = { state, contracts: all, active, solutions: [...solutions.all(state)], nodes: [...nodes.all(state)] };
  return CHECKS.flatMap((check) => [...check(world)]);
}
