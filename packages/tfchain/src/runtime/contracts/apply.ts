import { runtimeErrors } from "../../errors.ts";
import type { NodeContract, Solution } from "../../types/entities.ts";
import { changeSpend } from "../accounts/stake.ts";
import { creditHeld, debit } from "../accounts/store.ts";
import { resumeContract } from "../billing/grace.ts";
import { changeSolutionCost, minimumPrepaid, nextSettlementMs, scheduleContract } from "../billing/schedule.ts";
import { type Payouts, payOut, settle } from "../billing/settle.ts";
import type { CallContext, CallOf, Handlers } from "../context.ts";
import { requireNode, requireSelf } from "../nodes/store.ts";
import { solutions } from "../solutions/store.ts";
import { requireTwin } from "../twins/store.ts";
import { reserve } from "./capacity.ts";
import { createName, createNode } from "./create.ts";
import { createRent } from "./create-rent.ts";
import { checkShares, claimShares, releaseShares } from "./networks.ts";
import { requireAgent, requireController, requireFunds } from "./payer.ts";
import { nodePrice } from "./price.ts";
import { requireRentUnused } from "./rent.ts";
import { removeContract, removePart } from "./remove.ts";
import { contracts, requireActive } from "./store.ts";
import { reportUsage } from "./usage.ts";

export const contractsCalls: Handlers<"contracts"> = {
  "contracts.create_node": createNode,
  "contracts.create_name": createName,
  "contracts.create_rent": createRent,
  "contracts.update_node": updateNode,
  "contracts.cancel": (context, { contractId }) => {
    const contract = requireActive(context.state, contractId);
    const solution = requireController(context, contract);
    requireRentUnused(context, contract);
    if (solution === undefined) removeContract(context, contract, "canceled_by_owner");
    else removePart(context, solution, contract, "canceled_by_agent");
  },
  "contracts.deposit": (context, { contractId, amountUnits }) => {
    const { state, signer } = context;
    const contract = requireActive(state, contractId);
    if (contract.solutionId !== null)
      throw runtimeErrors.fail("contracts.part_of_solution", { details: { solutionId: contract.solutionId } });
    // Whoever pays, the money is the owner's from now on: a refund goes to him.
    debit(state, signer, amountUnits);
    creditHeld(state, requireTwin(state, contract.twinId).account, amountUnits);
    const next = { ...contract, escrowUnits: contract.escrowUnits + amountUnits };
    contracts.put(state, contractId, next);
    // The planned settlement stays: many small deposits must not put it off for ever.
    if (next.state === "grace") resumeContract(context, next);
  },
  "contracts.report_usage": reportUsage,
  "contracts.report": (context, { contractId, report }) => {
    const { state, block, emit } = context;
    const contract = requireNodeContract(context, contractId);
    requireSelf(context, contract.nodeId);
    if (report.version > contract.version) {
      throw runtimeErrors.fail("contracts.unknown_version", {
        message: `Contract ${contractId} has version ${contract.version}; the report is about ${report.version}.`,
        details: { contractId, version: contract.version, reportedVersion: report.version },
      });
    }
    contracts.put(state, contractId, { ...contract, report, reportedAtMs: block.timeMs });
    const { version, state: reported, code, message } = report;
    const words = { ...(code === undefined ? {} : { code }), ...(message === undefined ? {} : { message }) };
    const { nodeId, solutionId } = contract;
    emit({ type: "contracts.reported", contractId, nodeId, version, state: reported, solutionId, ...words });
  },
};

function requireNodeContract({ state }: CallContext, id: CallOf<"contracts.report">["contractId"]): NodeContract {
  const contract = requireActive(state, id);
  if (contract.type !== "node") throw runtimeErrors.fail("contracts.not_a_node_contract", { details: { contractId: id } });
  return contract;
}

function updateNode(context: CallContext, call: CallOf<"contracts.update_node">): void {
  const { state, emit } = context;
  const contract = requireNodeContract(context, call.contractId);
  const controller = requireController(context, contract);
  if (contract.state === "grace") throw runtimeErrors.fail("contracts.in_grace", { details: { contractId: contract.id } });
  const solution = controller === undefined ? undefined : requireAgent(context, controller.id, call.solutionVersion);
  if (solution === undefined && call.solutionVersion !== undefined) throw runtimeErrors.fail("contracts.version_without_solution");
  checkShares(call.networks);
  const node = requireNode(state, contract.nodeId);
  const { resources } = call;
  reserve(state, node, { old: contract.resources, want: resources });
  if (solution !== undefined) {
    const owner = { solutionId: solution.id, nodeId: contract.nodeId };
    releaseShares(state, owner, contract.networks);
    claimShares(state, owner, call.networks);
  }
  const cost = nodePrice(state, { nodeId: node.id, resources, publicIps: contract.publicIps });
  const changed = { ...contract, resources, networks: call.networks, instruction: call.instruction, version: contract.version + 1 };
  // What has run until now is billed at the price it ran at.
  reprice(context, solution, changed, cost);
  emit({ type: "contracts.updated", contractId: contract.id, nodeId: node.id, version: changed.version, solutionId: contract.solutionId });
}

function reprice(context: CallContext, solution: Solution | undefined, contract: NodeContract, costPerHourUnits: bigint): void {
  const { state } = context;
  const payouts: Payouts = new Map();
  const delta = costPerHourUnits - contract.costPerHourUnits;
  const purse = solution ?? contract;
  const settled = settle(context, contract, purse.escrowUnits, payouts);
  payOut(state, payouts);
  changeSpend(state, contract.twinId, delta);
  const escrowUnits = purse.escrowUnits - settled.paidUnits;
  if (solution !== undefined) {
    const next: Solution = { ...solution, escrowUnits };
    requireFunds(context, next, delta);
    solutions.put(state, solution.id, next);
    contracts.put(state, contract.id, { ...settled.contract, costPerHourUnits });
    changeSolutionCost(context, next, delta);
    return;
  }
  const minimum = minimumPrepaid(state, costPerHourUnits);
  if (delta > 0n && escrowUnits < minimum) {
    const figures = {
      minimumUnits: minimum.toString(),
      depositUnits: escrowUnits.toString(),
      costPerHourUnits: costPerHourUnits.toString(),
    };
    throw runtimeErrors.fail("contracts.deposit_too_small", { details: { contractId: contract.id, ...figures } });
  }
  const next = { ...settled.contract, costPerHourUnits, escrowUnits };
  contracts.put(state, contract.id, next);
  scheduleContract(context, next, nextSettlementMs(context, escrowUnits, costPerHourUnits));
}
