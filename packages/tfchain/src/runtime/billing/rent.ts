/** Grace of a rent: everything on its node goes with it. */
import type { Contract, NodeContract, RentContract, Solution } from "../../types/entities.ts";
import type { Context } from "../context.ts";
import { removeContract, removePart } from "../contracts/remove.ts";
import { nodeContractsOn } from "../contracts/rent.ts";
import { contracts, readMeter } from "../contracts/store.ts";
import { readParams } from "../params/store.ts";
import { requireSolution, solutions } from "../solutions/store.ts";
import { enterGrace, leaveGrace } from "./pause.ts";
import { lookedAtMs } from "../failed-work/store.ts";
import { scheduleGraceEnd } from "./schedule.ts";
import { type Payouts, payOut, settle } from "./settle.ts";

/** Bills a contract to this moment from whichever purse pays for it. */
function settleNow(context: Context, contract: NodeContract): NodeContract {
  const { state } = context;
  const payouts: Payouts = new Map();
  const solution = contract.solutionId === null ? undefined : requireSolution(state, contract.solutionId);
  const purse: Solution | NodeContract = solution ?? contract;
  const settled = settle(context, contract, purse.escrowUnits, payouts);
  payOut(state, payouts);
  const escrowUnits = purse.escrowUnits - settled.paidUnits;
  if (solution !== undefined) {
    solutions.put(state, solution.id, { ...solution, escrowUnits });
    return settled.contract as NodeContract;
  }
  const next = { ...(settled.contract as NodeContract), escrowUnits };
  contracts.put(state, next.id, next);
  return next;
}

/** After the rent's own end, should it come, these have ended already. */
const afterRent = (untilMs: number): number => untilMs + 1;

export function suspendTenants(context: Context, rent: RentContract, untilMs: number): void {
  for (const row of nodeContractsOn(context.state, rent.nodeId)) {
    // Out of its own money already: its own grace goes on.
    if (row.state === "grace") continue;
    const next = settleNow(context, row);
    enterGrace(context, next, untilMs);
    if (row.solutionId === null) scheduleGraceEnd(context, next, afterRent(untilMs));
  }
}

/** `resume`: takes a contract of its own purse out of grace when its money suffices. */
export function resumeTenants(context: Context, rent: RentContract, resume: (context: Context, contract: Contract) => void): void {
  const { state, block } = context;
  for (const row of nodeContractsOn(state, rent.nodeId)) {
    if (row.solutionId !== null) {
      if (requireSolution(state, row.solutionId).state !== "paused") leaveGrace(context, settleNow(context, row));
      continue;
    }
    resume(context, row);
    if (contracts.get(state, row.id)?.state === "grace") scheduleGraceEnd(context, row, block.timeMs + readParams(state).graceMs);
  }
}

/** The end of a rent that was not paid; answers how many contracts ended with it. */
export function endTenants(context: Context, rent: RentContract): number {
  const { state } = context;
  const rows = [...nodeContractsOn(state, rent.nodeId)];
  for (const row of rows) {
    if (row.solutionId === null) removeContract(context, row, "rent_ended");
    else removePart(context, requireSolution(state, row.solutionId), row, "rent_ended");
  }
  return rows.length;
}

export const rentEndMs = (context: Context, rent: RentContract): number => 
  afterRent(lookedAtMs(context.state, { kind: "contract", id: rent.id }, readMeter(context.state, rent.id).dueMs));
