/** What the due queue asks of billing: settlements, and ends of grace. */
import type { ContractId, SolutionId } from "@tfgrid/primitives";
import type { Contract, Solution } from "../../types/entities.ts";
import type { Context } from "../context.ts";
import { removeContract } from "../contracts/remove.ts";
import { rentOf } from "../contracts/rent.ts";
import { contracts, readMeter } from "../contracts/store.ts";
import { cancelSolution } from "../solutions/cancel.ts";
import { readPurse, solutions } from "../solutions/store.ts";
import { graceEndMs, pauseContract, pauseSolution, resumeContract, resumePart } from "./grace.ts";
import { endTenants, rentEndMs } from "./rent.ts";
import { followPrice } from "./reprice.ts";
import { nextSettlementMs, outOfMoney, partsOf, scheduleContract, scheduleSolution, setSolutionCost } from "./schedule.ts";
import { type Payouts, settle } from "./settle.ts";

export function dueContract(context: Context, id: number, payouts: Payouts): number {
  const contract = contracts.get(context.state, id as ContractId);
  if (contract === undefined || contract.state === "deleted") throw new Error(`contract ${id} is due but does not live`);
  if (contract.state === "grace") return endOfGrace(context, contract);
  const settled = settle(context, contract, contract.escrowUnits, payouts);
  const billed: Contract = { ...settled.contract, escrowUnits: contract.escrowUnits - settled.paidUnits };
  contracts.put(context.state, billed.id, billed);
  const next = followPrice(context.state, billed);
  const rate = settled.running ? next.costPerHourUnits : 0n;
  if (settled.owedUnits > 0n || outOfMoney(next.escrowUnits, rate)) pauseContract(context, next);
  else scheduleContract(context, next, nextSettlementMs(context, next.escrowUnits, rate));
  return 1;
}

function endOfGrace(context: Context, contract: Contract): number {
  const rent = contract.type === "node" ? rentOf(context.state, contract.nodeId) : undefined;
  // Paused with the rent of its node: the rent's end decides.
  if (rent?.state === "grace") {
    scheduleContract(context, contract, rentEndMs(context, rent));
    return 1;
  }
  const endMs = graceEndMs(context, readMeter(context.state, contract.id));
  if (context.block.timeMs < endMs) {
    scheduleContract(context, contract, endMs);
    resumeContract(context, contract);
    return 1;
  }
  const tenants = contract.type === "rent" ? endTenants(context, contract) : 0;
  removeContract(context, contract, "out_of_funds");
  return 1 + tenants;
}

export function dueSolution(context: Context, id: number, payouts: Payouts): number {
  const { state } = context;
  const solution = solutions.get(state, id as SolutionId);
  if (solution === undefined || solution.state === "cancelled") throw new Error(`solution ${id} is due but does not live`);
  const work = 1 + solution.parts.length;
  if (solution.state === "paused") {
    const endMs = graceEndMs(context, readPurse(state, solution.id));
    if (context.block.timeMs < endMs) {
      scheduleSolution(context, solution, endMs);
      return 1;
    }
    cancelSolution(context, solution, "out_of_funds");
    return work;
  }
  let { escrowUnits } = solution;
  let owed = 0n;
  let rate = 0n;
  let total = 0n;
  for (const part of partsOf(state, solution)) {
    const settled = settle(context, part, escrowUnits, payouts);
    escrowUnits -= settled.paidUnits;
    owed += settled.owedUnits;
    const { costPerHourUnits } = followPrice(state, settled.contract);
    total += costPerHourUnits;
    if (settled.running) rate += costPerHourUnits;
    if (part.state === "grace") resumePart(context, contracts.get(state, part.id) ?? settled.contract);
  }
  setSolutionCost(state, solution.id, total);
  const next: Solution = { ...solution, escrowUnits };
  solutions.put(state, id as SolutionId, next);
  if (owed > 0n || outOfMoney(escrowUnits, rate)) pauseSolution(context, next);
  else scheduleSolution(context, next, nextSettlementMs(context, escrowUnits, rate));
  return work;
}
