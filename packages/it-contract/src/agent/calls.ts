/** A plan as calls of one atomic batch: ends first, then what shrinks, then what grows, so that money and room suffice at every call. */
import type { Instruction } from "@tfgrid/notary";
import { type CidText, type Resources, type SolutionId } from "@tfgrid/primitives";
import type { Call } from "@tfgrid/tfchain";
import type { Part } from "../plan/current.ts";
import type { Plan, PlannedPart } from "../plan/types.ts";
import { instructionCid, type Renderer, renderInstruction, sameWork } from "./instructions.ts";

export interface Write {
  readonly cid: CidText;
  readonly instruction: Instruction;
}

export interface Batch {
  readonly calls: readonly Call[];
  /** Instructions to store in the notary before the batch is submitted. */
  readonly writes: readonly Write[];
}

export function batchFor(plan: Plan, renderer: Renderer, parts: readonly Part[]): Batch {
  const held = new Map(parts.map((part) => [part.contract.id, part]));
  const writes: Write[] = [];
  const updates: { readonly call: Call; readonly growth: bigint }[] = [];
  const creates: Call[] = [];
  for (const part of plan.parts) {
    const before = part.contractId === null ? undefined : held.get(part.contractId);
    const instruction = renderInstruction(renderer, part, before?.instruction);
    if (before !== undefined && sameWork(instruction, before.instruction) && equalResources(part.resources, before.contract.resources)) continue;
    const cid = instructionCid(instruction);
    writes.push({ cid, instruction });
    if (before === undefined) creates.push(createCall(renderer.solutionId, plan, part, cid));
    else updates.push({ call: updateCall(plan, part, cid), growth: part.costPerHourUnits - before.contract.costPerHourUnits });
  }
  updates.sort((a, b) => (a.growth < b.growth ? -1 : a.growth > b.growth ? 1 : 0));
  const cancels = plan.cancels.map(({ contractId }): Call => ({ type: "contracts.cancel", contractId }));
  const names = plan.names.filter((name) => name.contractId === null).map(
    (name): Call => ({ type: "contracts.create_name", name: name.name, gatewayNodeId: name.gatewayNodeId, solutionId: renderer.solutionId, depositUnits: 0n }),
  );
  return { calls: [...cancels, ...updates.map((update) => update.call), ...creates, ...names], writes };
}

function createCall(solutionId: SolutionId, plan: Plan, part: PlannedPart, instruction: CidText): Call {
  return {
    type: "contracts.create_node",
    nodeId: part.nodeId,
    solutionId,
    solutionVersion: plan.version,
    instruction,
    resources: part.resources,
    publicIps: 0,
    networks: sharesOf(part),
    depositUnits: 0n,
  };
}

function updateCall(plan: Plan, part: PlannedPart, instruction: CidText): Call {
  if (part.contractId === null) throw new Error("an update needs its contract");
  return { type: "contracts.update_node", contractId: part.contractId, solutionVersion: plan.version, instruction, resources: part.resources, networks: sharesOf(part) };
}

const sharesOf = (part: PlannedPart) => part.networks.map(({ name, cidr, subnetIndex }) => ({ name, cidr, subnetIndex }));

function equalResources(a: Resources, b: Resources): boolean {
  return a.cpuMilli === b.cpuMilli && a.memoryBytes === b.memoryBytes && a.ssdBytes === b.ssdBytes && a.hddBytes === b.hddBytes;
}
