/** When a purse is settled next, and whether its money still counts as money. */
import type { Contract, Solution } from "../../types/entities.ts";
import type { StateReader, StateWriter } from "../api.ts";
import type { Context } from "../context.ts";
import { contracts, meters, readMeter } from "../contracts/store.ts";
import { RUNTIME_LIMITS } from "../limits.ts";
import { deadlineFrom } from "../nodes/standstill.ts";
import { readParams } from "../params/store.ts";
import { prepaidUnits, runwayMs } from "../pricing/cost.ts";
import { purses, readPurse } from "../solutions/store.ts";
import { moveDue } from "../store/due.ts";

/** True when the escrow pays for less than the shortest settlement at this rate. */
export function outOfMoney(escrowUnits: bigint, costPerHourUnits: bigint): boolean {
  const runway = runwayMs(escrowUnits, costPerHourUnits);
  return runway !== undefined && runway < RUNTIME_LIMITS.minRunwayMs;
}

/** One interval on, or when the money will be gone, whichever comes first. */
export function nextSettlementMs(context: Context, escrowUnits: bigint, costPerHourUnits: bigint): number {
  const interval = readParams(context.state).settlementIntervalMs;
  const runway = runwayMs(escrowUnits, costPerHourUnits) ?? interval;
  return context.block.timeMs + Math.min(interval, Math.max(runway, RUNTIME_LIMITS.minRunwayMs));
}

/** What must be prepaid before something at this price may be held. */
export function minimumPrepaid(state: StateReader, costPerHourUnits: bigint): bigint {
  return prepaidUnits(costPerHourUnits, readParams(state).settlementIntervalMs);
}

export function scheduleContract({ state }: Context, contract: Contract, to: number): void {
  const meter = readMeter(state, contract.id);
  moveDue(state, { kind: "contract", id: contract.id, from: meter.dueMs, to });
  meters.put(state, contract.id, { ...meter, dueMs: to });
}

/** The end of a contract's grace: put off by the time in which the chain stands still meanwhile. */
export function scheduleGraceEnd(context: Context, contract: Contract, untilMs: number): void {
  const { state } = context;
  scheduleContract(context, contract, untilMs);
  meters.put(state, contract.id, { ...readMeter(state, contract.id), grace: deadlineFrom(state, untilMs) });
}

export function scheduleSolution({ state }: Context, solution: Solution, to: number): void {
  const purse = readPurse(state, solution.id);
  moveDue(state, { kind: "solution", id: solution.id, from: purse.dueMs, to });
  purses.put(state, solution.id, { ...purse, dueMs: to });
}

/** The parts' prices have moved. The budget is what signers agreed to for new parts; it ends nothing that runs. */
export function setSolutionCost(state: StateWriter, id: Solution["id"], costPerHourUnits: bigint): void {
  const purse = readPurse(state, id);
  if (purse.costPerHourUnits !== costPerHourUnits) purses.put(state, id, { ...purse, costPerHourUnits });
}

/** A part came, changed its price or went: the money lasts for another time. While it is paused only the end of grace counts. */
export function changeSolutionCost(context: Context, solution: Solution, deltaUnits: bigint): void {
  const { state } = context;
  const purse = readPurse(state, solution.id);
  const costPerHourUnits = purse.costPerHourUnits + deltaUnits;
  const next = nextSettlementMs(context, solution.escrowUnits, costPerHourUnits);
  const paused = solution.state === "paused";
  // Never later than planned: what has accrued since the last settlement must not wait because a part came.
  const running = purse.dueMs === 0 ? next : Math.min(purse.dueMs, next);
  const to = paused ? purse.dueMs : solution.parts.length === 0 ? 0 : running;
  moveDue(state, { kind: "solution", id: solution.id, from: purse.dueMs, to });
  purses.put(state, solution.id, { ...purse, costPerHourUnits, dueMs: to });
}

export const partsOf = (state: StateReader, solution: Solution): Contract[] =>
  solution.parts.map((id) => {
    const part = contracts.get(state, id);
    if (part === undefined) throw new Error(`solution ${solution.id} has lost its part ${id}`);
    return part;
  });
