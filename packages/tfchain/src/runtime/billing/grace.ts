/**
 * Out of money: the workload pauses (and is not billed); its disks are held for `graceMs`, the rest is let go. Money that covers
 * the debt and one more settlement interval ends the grace, as soon as there is room again; else the ledger deletes.
 */
import type { Contract, Solution } from "../../types/entities.ts";
import type { Context } from "../context.ts";
import { canTakeBack } from "../contracts/hold.ts";
import { isSuspended } from "../contracts/rent.ts";
import { type Meter, meters, readMeter } from "../contracts/store.ts";
import { type Deadline, deadlineFrom, effectiveMs } from "../nodes/standstill.ts";
import { readParams } from "../params/store.ts";
import { type Purse, purses, readPurse, solutions } from "../solutions/store.ts";
import { enterGrace, leaveGrace } from "./pause.ts";
import { resumeTenants, suspendTenants } from "./rent.ts";
import { minimumPrepaid, nextSettlementMs, partsOf, scheduleContract, scheduleGraceEnd, scheduleSolution } from "./schedule.ts";
import { type Payouts, payOut, settle } from "./settle.ts";

export function pauseContract(context: Context, contract: Contract): void {
  const untilMs = context.block.timeMs + readParams(context.state).graceMs;
  enterGrace(context, contract, untilMs);
  scheduleGraceEnd(context, contract, untilMs);
  if (contract.type === "rent") suspendTenants(context, contract, untilMs);
}

/** When the grace of this contract (or solution) ends as things stand. */
export function graceEndMs({ state }: Context, row: Pick<Meter | Purse, "grace" | "dueMs">): number {
  const deadline: Deadline = row.grace ?? { ...deadlineFrom(state, row.dueMs) };
  return effectiveMs(state, deadline);
}

const covered = ({ state }: Context, contract: Contract): boolean =>
  contract.escrowUnits >= readMeter(state, contract.id).owedUnits + minimumPrepaid(state, contract.costPerHourUnits);

/** Ends the grace of a contract with a purse of its own when its money suffices and there is room. */
export function resumeContract(context: Context, contract: Contract): void {
  const { state } = context;
  if (isSuspended(state, contract) || !covered(context, contract)) return;
  if (!canTakeBack(state, contract)) {
    askAgain(context, contract);
    return;
  }
  const payouts: Payouts = new Map();
  const settled = settle(context, contract, contract.escrowUnits, payouts);
  payOut(state, payouts);
  const next: Contract = { ...settled.contract, escrowUnits: contract.escrowUnits - settled.paidUnits };
  leaveGrace(context, next);
  scheduleContract(context, next, nextSettlementMs(context, next.escrowUnits, next.costPerHourUnits));
  const { grace: _over, ...meter } = readMeter(state, next.id);
  meters.put(state, next.id, meter);
  if (next.type === "rent") resumeTenants(context, next, resumeContract);
}

/** The money is there, the room is not: once an interval, until the grace ends. */
function askAgain(context: Context, contract: Contract): void {
  const { state, block } = context;
  const endMs = graceEndMs(context, readMeter(state, contract.id));
  scheduleContract(context, contract, Math.min(endMs, block.timeMs + readParams(state).settlementIntervalMs));
}

export function pauseSolution(context: Context, solution: Solution): void {
  const { state, block } = context;
  const untilMs = block.timeMs + readParams(state).graceMs;
  for (const part of partsOf(state, solution)) enterGrace(context, part, untilMs);
  purses.put(state, solution.id, { ...readPurse(state, solution.id), resumeState: solution.state, grace: deadlineFrom(state, untilMs) });
  setState(context, { ...solution, state: "paused" }, "solutions.out_of_funds", "The deposit is used up: all parts are paused.");
  scheduleSolution(context, solution, untilMs);
}

export function resumeSolution(context: Context, solution: Solution): void {
  const { state } = context;
  const { grace: _over, ...purse } = readPurse(state, solution.id);
  const parts = partsOf(state, solution);
  const owed = parts.reduce((sum, { id }) => sum + readMeter(state, id).owedUnits, 0n);
  if (solution.escrowUnits < owed + minimumPrepaid(state, purse.costPerHourUnits)) return;
  const payouts: Payouts = new Map();
  let escrowUnits = solution.escrowUnits;
  for (const part of parts) {
    const settled = settle(context, part, escrowUnits, payouts);
    escrowUnits -= settled.paidUnits;
    resumePart(context, settled.contract);
  }
  payOut(state, payouts);
  purses.put(state, solution.id, { ...purse, resumeState: null });
  const next: Solution = { ...solution, escrowUnits, state: purse.resumeState ?? "accepted" };
  setState(context, next, "solutions.resumed", "The deposit covers the parts again.");
  scheduleSolution(context, next, parts.length === 0 ? 0 : nextSettlementMs(context, escrowUnits, purse.costPerHourUnits));
}

/** A part without room stays in grace: the agent may place it elsewhere, and every settlement asks again. */
export function resumePart(context: Context, part: Contract): void {
  if (part.state === "grace" && !isSuspended(context.state, part)) leaveGrace(context, part);
}

function setState({ state, emit }: Context, solution: Solution, code: string, message: string): void {
  solutions.put(state, solution.id, solution);
  emit({ type: "solutions.state", solutionId: solution.id, version: solution.version, state: solution.state, code, message });
}
