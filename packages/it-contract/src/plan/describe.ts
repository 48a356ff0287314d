/** A plan in lines for people; tables and colours are the command line's. */
import { type GridError, formatBytes, formatTft } from "@tfgrid/primitives";
import { fail } from "../errors.ts";
import type { Plan, PlanNote, PlannedPart } from "./types.ts";

export function describePlan(plan: Plan): readonly string[] {
  const lines = [`${plan.solution}, version ${plan.version}`];
  for (const part of plan.parts) lines.push(...describePart(part));
  for (const name of plan.names)
    lines.push(`https://${name.host} -> gateway node ${name.gatewayNodeId}, ${formatTft(name.costPerHourUnits)} TFT/h${name.contractId === null ? ", new" : ""}`);
  for (const cancel of plan.cancels) lines.push(`end ${cancel.kind} contract ${cancel.contractId} on node ${cancel.nodeId}: ${cancel.reason}`);
  lines.push(`total ${formatTft(plan.costPerHourUnits)} TFT/h of at most ${formatTft(plan.budgetPerHourUnits)} TFT/h`);
  for (const note of plan.shortfalls) lines.push(`missing: ${note.message}`);
  for (const note of plan.warnings) lines.push(`note: ${note.message}`);
  return lines;
}

/** Every reason why there is no plan, as one error; its code is that of the first. */
export function planError(problems: readonly PlanNote[]): GridError {
  const message = problems.map((problem) => problem.message).join("; ");
  return fail(problems[0]?.code ?? "it_contract.no_capacity", { message });
}

function describePart(part: PlannedPart): readonly string[] {
  const { cpuMilli, memoryBytes, ssdBytes, hddBytes } = part.resources;
  const disks = `${formatBytes(ssdBytes)} ssd${hddBytes === 0 ? "" : `, ${formatBytes(hddBytes)} hdd`}`;
  const head = `node ${part.nodeId} (farm ${part.farmId}, ${part.country}): ${cpuMilli / 1000} cores, ${formatBytes(memoryBytes)} memory, ${disks}, ${formatTft(part.costPerHourUnits)} TFT/h`;
  return [
    head,
    ...part.zmachines.map((zmachine) => `  ${zmachine.action} ${zmachine.name} ${zmachine.networks.map((network) => `${network.name} ${network.ip}`).join(", ")}`),
    ...part.volumes.map((volume) => `  volume ${volume.name} ${formatBytes(volume.sizeBytes)} ${volume.kind}`),
    ...part.routes.map((rule) => `  gateway ${rule.name} -> ${rule.service}:${rule.port}`),
  ];
}
