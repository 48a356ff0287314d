import { type ContractId, NO_RESOURCES, type SolutionId, type TwinId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Contract, NameContract, NodeContract, Solution } from "../../types/entities.ts";
import { changeSpend } from "../accounts/stake.ts";
import { nextSettlementMs, scheduleContract } from "../billing/schedule.ts";
import { newMeter } from "../billing/settle.ts";
import type { CallContext, CallOf } from "../context.ts";
import { nextId } from "../params/store.ts";
import { nameCostPerHour } from "../pricing/cost.ts";
import { readPricing } from "../pricing/store.ts";
import { actingTwin } from "../twins/store.ts";
import { requireTerms } from "../twins/terms.ts";
import { assignPublicIps, requireOpenNode, reserve } from "./capacity.ts";
import { checkShares, claimShares } from "./networks.ts";
import { addPart, holdDeposit, requireAgent } from "./payer.ts";
import { nodePrice } from "./price.ts";
import { contractIdByName, insertContract, meters, nodeOf } from "./store.ts";

export function createNode(context: CallContext, call: CallOf<"contracts.create_node">): void {
  const { state } = context;
  const solution = solutionFor(context, call.solutionId, call.solutionVersion);
  const node = requireOpenNode(context, call.nodeId, solution?.twinId ?? actingTwin(context).id);
  const { resources, publicIps } = call;
  checkShares(call.networks);
  const cost = nodePrice(state, { nodeId: node.id, resources, publicIps });
  const base = newContract(context, solution, cost, call.depositUnits);
  const row: NodeContract = {
    ...base,
    type: "node",
    nodeId: node.id,
    version: 1,
    instruction: call.instruction,
    resources,
    publicIps,
    networks: call.networks,
    report: null,
    reportedAtMs: 0,
  };
  reserve(state, node, { old: NO_RESOURCES, want: resources });
  assignPublicIps(state, node, row.id, publicIps);
  if (solution !== undefined) claimShares(state, { solutionId: solution.id, nodeId: node.id }, call.networks);
  open(context, solution, row);
}

export function createName(context: CallContext, call: CallOf<"contracts.create_name">): void {
  const { state } = context;
  const solution = solutionFor(context, call.solutionId, null);
  const node = requireOpenNode(context, call.gatewayNodeId, solution?.twinId ?? actingTwin(context).id);
  if (node.publicConfig?.domain === undefined) {
    throw runtimeErrors.fail("contracts.not_a_gateway", { message: `Node ${node.id} has no public domain.`, details: { nodeId: node.id } });
  }
  const taken = contractIdByName.get(state, call.name);
  if (taken !== undefined) {
    throw runtimeErrors.fail("contracts.name_taken", {
      message: `The name ${call.name} is held by contract ${taken}.`,
      details: { name: call.name, contractId: taken },
    });
  }
  const base = newContract(context, solution, nameCostPerHour(readPricing(state)), call.depositUnits);
  const row: NameContract = { ...base, type: "name", name: call.name, gatewayNodeId: node.id };
  contractIdByName.put(state, call.name, row.id);
  open(context, solution, row);
}

function solutionFor(context: CallContext, id: SolutionId | null, version: number | null | undefined): Solution | undefined {
  if (id !== null) return requireAgent(context, id, version);
  if (version === null || version === undefined) return undefined;
  throw runtimeErrors.fail("contracts.version_without_solution");
}

export function newContract(context: CallContext, solution: Solution | undefined, costPerHourUnits: bigint, depositUnits: bigint) {
  const { state, block } = context;
  if (solution !== undefined && depositUnits > 0n) {
    throw runtimeErrors.fail("contracts.part_of_solution", { details: { solutionId: solution.id } });
  }
  const owner = actingTwin(context);
  if (solution === undefined) requireTerms(state, owner.id);
  if (solution === undefined) holdDeposit(context, owner, depositUnits, costPerHourUnits);
  return {
    id: nextId<ContractId>(state, "contract"),
    twinId: (solution?.twinId ?? owner.id) satisfies TwinId,
    solutionId: solution?.id ?? null,
    state: "created" as const,
    createdAtMs: block.timeMs,
    deletedAtMs: null,
    deletedCause: null,
    costPerHourUnits,
    billedUnits: 0n,
    settledAtMs: block.timeMs,
    escrowUnits: depositUnits,
  };
}

export function open(context: CallContext, solution: Solution | undefined, row: Contract): void {
  const { state, emit } = context;
  insertContract(state, row);
  changeSpend(state, row.twinId, row.costPerHourUnits);
  meters.put(state, row.id, newMeter(context, row, 0));
  if (solution === undefined) scheduleContract(context, row, nextSettlementMs(context, row.escrowUnits, row.costPerHourUnits));
  else addPart(context, solution, row);
  const { id: contractId, type: kind, twinId, solutionId } = row;
  emit({ type: "contracts.created", contractId, kind, twinId, nodeId: nodeOf(row), solutionId });
}
