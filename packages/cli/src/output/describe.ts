/** The ledger's entities as rows for people. */
import { type Resources, formatBytes, formatTft } from "@tfgrid/primitives";
import { type Contract, type Node, type Report, type Solution, runtime } from "@tfgrid/tfchain";
import { duration, state, table } from "./terminal.ts";

const cores = (resources: Resources): string => (resources.cpuMilli / 1000).toString();

export function nodeState(node: Node): string {
  if (runtime.isAsleep(node)) return node.power?.target === "up" ? "waking" : "asleep";
  if (!node.up) return "down";
  if (runtime.isOff(node)) return "going to sleep";
  return node.maintenance.mode === "none" ? "up" : node.maintenance.mode;
}

export function nodeTable(nodes: readonly Node[], nowMs: number): string {
  const rows = nodes.map((node) => [
    String(node.id),
    state(nodeState(node)),
    `${node.location.city}, ${node.location.country}`,
    `${cores(node.reserved)}/${cores(node.total)}`,
    `${formatBytes(node.reserved.memoryBytes)} / ${formatBytes(node.total.memoryBytes)}`,
    `${formatBytes(node.reserved.ssdBytes)} / ${formatBytes(node.total.ssdBytes)}`,
    node.publicConfig?.domain ?? "",
    `${duration(nowMs - node.lastHeartbeatMs)} ago`,
  ]);
  return table(["NODE", "STATE", "PLACE", "CPU", "MEMORY", "SSD", "GATEWAY DOMAIN", "HEARTBEAT"], rows);
}

export function contractTable(contracts: readonly Contract[]): string {
  const rows = contracts.map((contract) => [
    String(contract.id),
    contract.type,
    state(contract.state),
    contract.type === "name" ? contract.name : `node ${contract.nodeId}`,
    contract.solutionId === null ? "" : String(contract.solutionId),
    contract.type === "node" ? state(contract.report?.state ?? "preparing") : "",
    `${formatTft(contract.costPerHourUnits)}/h`,
    formatTft(contract.billedUnits),
    contract.deletedCause ?? "",
  ]);
  return table(["CONTRACT", "KIND", "STATE", "WHERE", "SOLUTION", "REPORT", "TFT", "BILLED", "ENDED BY"], rows);
}

export function solutionTable(solutions: readonly Solution[]): string {
  const rows = solutions.map((solution) => [
    String(solution.id),
    solution.name,
    state(solution.state),
    String(solution.version),
    String(solution.parts.length),
    `${formatTft(solution.escrowUnits)} TFT`,
    solution.note?.message ?? "",
  ]);
  return table(["SOLUTION", "NAME", "STATE", "VERSION", "PARTS", "DEPOSIT", "NOTE"], rows);
}

interface Placed {
  readonly contract: Extract<Contract, { type: "node" }>;
  readonly report: Report;
}

/** Every zmachine of a solution with the node that runs it. */
export function zmachineTable(contracts: readonly Contract[], nowMs: number): string {
  const placed: Placed[] = contracts.flatMap((contract) => (contract.type === "node" && contract.state !== "deleted" && contract.report !== null ? [{ contract, report: contract.report }] : []));
  const rows = placed.flatMap(({ contract, report }) =>
    report.zmachines.map((zmachine) => [
      zmachine.name,
      zmachine.service,
      `node ${contract.nodeId}`,
      state(zmachine.state),
      zmachine.addresses.map((address) => address.ip).join(", "),
      zmachine.startedAtMs === 0 ? "" : duration(nowMs - zmachine.startedAtMs),
      String(zmachine.restarts),
      zmachine.message ?? "",
    ]),
  );
  return table(["ZMACHINE", "SERVICE", "WHERE", "STATE", "ADDRESS", "SINCE", "RESTARTS", "MESSAGE"], rows);
}

export function routeLines(contracts: readonly Contract[]): readonly string[] {
  return contracts.flatMap((contract) => (contract.type === "node" && contract.state !== "deleted" ? (contract.report?.routes ?? []).map((route) => `${route.host} -> ${route.backends} healthy backend${route.backends === 1 ? "" : "s"}${route.message === undefined ? "" : ` (${route.message})`}`) : []));
}
