import { type Infer, type SolutionId, type TwinId, s } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { SOLUTION_STATES, type Solution, solution, solutionId } from "../../types/entities.ts";
import type { StateReader } from "../api.ts";
import { graceEnd } from "../contracts/store.ts";
import { idIndex, table } from "../store/table.ts";

export const solutions = table<SolutionId, Solution>({ prefix: "solution", schema: solution });
/** Key: owner and name. */
export const solutionIdByName = {
  of: (twinId: TwinId, name: string): string => `${twinId}/${name}`,
  ...table<string, SolutionId>({ prefix: "solution-by-name", schema: solutionId }),
};
export const solutionsByTwin = idIndex<readonly [TwinId]>("solution-by-twin");
export const solutionsByAgent = idIndex<readonly [TwinId]>("solution-by-agent");

/** Settlement's view of a solution: kept apart so that its parts need not be read to know what they cost. */
const purse = s.struct({
  /** Sum over the active parts. */
  costPerHourUnits: s.units(),
  dueMs: s.uint(),
  /** State to return to when the money is back. */
  resumeState: s.nullable(s.oneOf(SOLUTION_STATES)),
  /** Only while it is paused. */
  grace: s.optional(graceEnd),
});
export type Purse = Infer<typeof purse>;
export const purses = table<SolutionId, Purse>({ prefix: "purse", schema: purse });
const EMPTY: Purse = { costPerHourUnits: 0n, dueMs: 0, resumeState: null };
export const readPurse = (state: StateReader, id: SolutionId): Purse => purses.get(state, id) ?? EMPTY;

/** @throws GridError solutions.not_found, solutions.cancelled */
export function requireSolution(state: StateReader, id: SolutionId): Solution {
  const row = solutions.get(state, id);
  if (row === undefined) {
    throw runtimeErrors.fail("solutions.not_found", { message: `There is no solution ${id}.`, details: { solutionId: id } });
  }
  if (row.state === "cancelled") {
    throw runtimeErrors.fail("solutions.cancelled", { message: `Solution ${id} has been cancelled.`, details: { solutionId: id } });
  }
  return row;
}

export function totalWeight(row: Pick<Solution, "signers">, only?: readonly TwinId[]): number {
  return row.signers.reduce((sum, { twinId, weight }) => sum + (only === undefined || only.includes(twinId) ? weight : 0), 0);
}

/** Owner, agent and signers, some of them perhaps twice. */
export const partiesOf = (row: Pick<Solution, "twinId" | "agentTwinId" | "signers">): readonly TwinId[] => [
  row.twinId,
  row.agentTwinId,
  ...row.signers.map(({ twinId }) => twinId),
];
