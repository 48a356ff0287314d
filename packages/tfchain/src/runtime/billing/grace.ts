/**
 * Out of money: the workload pauses (and is not billed), its capacity is held for `graceMs`. Money that covers the debt and
 * one more settlement interval ends the grace; else the ledger deletes.
 */
import type { Contract, Solution } from "../../types/entities.ts";
import type { Context } from "../context.ts";
import { isSuspended } from "../contracts/rent.ts";
import { readMeter } from "../contracts/store.ts";
import { readParams } from "../params/store.ts";
import { purses, readPurse, solutions } from "../solutions/store.ts";
import { enterGrace, leaveGrace } from "./pause.ts";
import { resumeTenants, suspendTenants } from "./rent.ts";
import { minimumPrepaid, nextSettlementMs, partsOf, scheduleContract, scheduleSolution } from "./schedule.ts";
import { type Payouts, payOut, settle } from "./settle.ts";

export function pauseContract(context: Context, contract: Contract): void {
  const untilMs = context.block.timeMs + readParams(context.state).graceMs;
  enterGrace(context, contract, untilMs);
  scheduleContract(context, contract, untilMs);
  if (contract.type === "rent") suspendTenants(context, contract, untilMs);
}

export function resumeContract(context: Context, contract: Contract): void {
  const { state } = context;
  if (isSuspended(state, contract)) return;
  const { owedUnits } = readMeter(state, contract.id);
  if (contract.escrowUnits < owedUnits + minimumPrepaid(state, contract.costPerHourUnits)) return;
  const payouts: Payouts = new Map();
  const settled = settle(context, contract, contract.escrowUnits, payouts);
  payOut(state, payouts);
  const next: Contract = { ...settled.contract, escrowUnits: contract.escrowUnits - settled.paidUnits };
  leaveGrace(context, next);
  scheduleContract(context, next, nextSettlementMs(context, next.escrowUnits, next.costPerHourUnits));
  if (next.type === "rent") resumeTenants(context, next, resumeContract);
}

export function pauseSolution(context: Context, solution: Solution): void {
  const { state, block } = context;
  const untilMs = block.timeMs + readParams(state).graceMs;
  for (const part of partsOf(state, solution)) enterGrace(context, part, untilMs);
  purses.put(state, solution.id, { ...readPurse(state, solution.id), resumeState: solution.state });
  setState(context, { ...solution, state: "paused" }, "solutions.out_of_funds", "The deposit is used up: all parts are paused.");
  scheduleSolution(context, solution, untilMs);
}

export function resumeSolution(context: Context, solution: Solution): void {
  const { state } = context;
  const purse = readPurse(state, solution.id);
  const parts = partsOf(state, solution);
  const owed = parts.reduce((sum, { id }) => sum + readMeter(state, id).owedUnits, 0n);
  if (solution.escrowUnits < owed + minimumPrepaid(state, purse.costPerHourUnits)) return;
  const payouts: Payouts = new Map();
  let escrowUnits = solution.escrowUnits;
  for (const part of parts) {
    const settled = settle(context, part, escrowUnits, payouts);
    escrowUnits -= settled.paidUnits;
    if (!isSuspended(state, part)) leaveGrace(context, settled.contract);
  }
  payOut(state, payouts);
  purses.put(state, solution.id, { ...purse, resumeState: null });
  const next: Solution = { ...solution, escrowUnits, state: purse.resumeState ?? "accepted" };
  setState(context, next, "solutions.resumed", "The deposit covers the parts again.");
  scheduleSolution(context, next, parts.length === 0 ? 0 : nextSettlementMs(context, escrowUnits, purse.costPerHourUnits));
}

function setState({ state, emit }: Context, solution: Solution, code: string, message: string): void {
  solutions.put(state, solution.id, solution);
  emit({ type: "solutions.state", solutionId: solution.id, version: solution.version, state: solution.state, code, message });
}
