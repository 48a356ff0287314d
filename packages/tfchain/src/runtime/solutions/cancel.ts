import type { Solution } from "../../types/entities.ts";
import { release } from "../accounts/store.ts";
import { scheduleSolution } from "../billing/schedule.ts";
import type { Context } from "../context.ts";
import { removePart } from "../contracts/remove.ts";
import { requireActive } from "../contracts/store.ts";
import { requireTwin } from "../twins/store.ts";
import { changeTies } from "../twins/ties.ts";
import { partiesOf, purses, solutionIdByName, solutions } from "./store.ts";

/** Ends a solution: every part is settled and deleted (at most `partsPerSolution`), the rest of the deposit goes back. */
export function cancelSolution(context: Context, solution: Solution, cause: "solution_cancelled" | "out_of_funds"): void {
  const { state, emit } = context;
  let current = solution;
  for (const id of solution.parts) current = removePart(context, current, requireActive(state, id), cause);
  const refundedUnits = current.escrowUnits;
  release(state, requireTwin(state, current.twinId).account, refundedUnits);
  scheduleSolution(context, current, 0);
  changeTies(state, partiesOf(current), "solutions", -1);
  purses.delete(state, current.id);
  solutionIdByName.delete(state, solutionIdByName.of(current.twinId, current.name));
  solutions.put(state, current.id, { ...current, escrowUnits: 0n, pending: null, members: [], state: "cancelled" });
  emit({ type: "solutions.cancelled", solutionId: current.id, refundedUnits, cause });
}
