/** The end of a contract: settled to this moment, capacity and names free again, what is left of its deposit returned. */
import type { Contract, Solution } from "../../types/entities.ts";
import { changeSpend } from "../accounts/stake.ts";
import { release } from "../accounts/store.ts";
import { changeSolutionCost } from "../billing/schedule.ts";
import { type Payouts, payOut, settle } from "../billing/settle.ts";
import type { Context } from "../context.ts";
import { requireNode } from "../nodes/store.ts";
import { contractEnded } from "../reputation/evidence.ts";
import { solutions } from "../solutions/store.ts";
import { moveDue } from "../store/due.ts";
import { requireTwin } from "../twins/store.ts";
import { freePublicIps, unreserve } from "./capacity.ts";
import { heldResources } from "./held.ts";
import { releaseShares } from "./networks.ts";
import { usages } from "./usage.ts";
import { contractIdByName, nodeOf, readMeter, rentIdByNode, retireContract } from "./store.ts";

/** A contract outside a solution. */
export function removeContract(context: Context, contract: Contract, cause: string): void {
  const { state } = context;
  const payouts: Payouts = new Map();
  const settled = settle(context, contract, contract.escrowUnits, payouts);
  payOut(state, payouts);
  const refundedUnits = contract.escrowUnits - settled.paidUnits;
  release(state, requireTwin(state, contract.twinId).account, refundedUnits);
  retire(context, { ...settled.contract, escrowUnits: 0n }, { cause, refundedUnits });
}

/** A part: pays from the solution's escrow. Returns the solution as it is stored then, without the part. */
export function removePart(context: Context, solution: Solution, contract: Contract, cause: string): Solution {
  const { state } = context;
  const payouts: Payouts = new Map();
  const settled = settle(context, contract, solution.escrowUnits, payouts);
  payOut(state, payouts);
  const next: Solution = {
    ...solution,
    escrowUnits: solution.escrowUnits - settled.paidUnits,
    parts: solution.parts.filter((id) => id !== contract.id),
  };
  solutions.put(state, solution.id, next);
  changeSolutionCost(context, next, -contract.costPerHourUnits);
  retire(context, settled.contract, { cause, refundedUnits: 0n });
  return next;
}

function retire(context: Context, contract: Contract, end: { readonly cause: string; readonly refundedUnits: bigint }): void {
  const { state, block, emit } = context;
  const meter = readMeter(state, contract.id);
  moveDue(state, { kind: "contract", id: contract.id, from: meter.dueMs, to: 0 });
  contractEnded(context, contract, { cause: end.cause, owedUnits: meter.owedUnits });
  changeSpend(state, contract.twinId, -contract.costPerHourUnits);
  if (contract.type === "name") contractIdByName.delete(state, contract.name);
  else if (contract.type === "rent") rentIdByNode.delete(state, contract.nodeId);
  else freeNode(context, contract);
  usages.delete(state, contract.id);
  retireContract(state, { ...contract, state: "deleted", deletedAtMs: block.timeMs, deletedCause: end.cause });
  const { id: contractId, solutionId } = contract;
  emit({ type: "contracts.deleted", contractId, nodeId: nodeOf(contract), solutionId, ...end });
}

function freeNode({ state }: Context, contract: Extract<Contract, { type: "node" }>): void {
  unreserve(state, contract.nodeId, heldResources(contract));
  if (contract.publicIps > 0 && contract.state === "created") freePublicIps(state, requireNode(state, contract.nodeId), contract.id);
  if (contract.solutionId !== null) releaseShares(state, { solutionId: contract.solutionId, nodeId: contract.nodeId }, contract.networks);
}
