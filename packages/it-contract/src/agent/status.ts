/** The agent's word on a solution: one state, one code, one sentence with its cure. Set on the ledger only when it changes. */
import type { GridError } from "@tfgrid/primitives";
import { chain, type Solution } from "@tfgrid/tfchain";
import { type ItContractCode, itContractErrors } from "../errors.ts";
import { AGENT_LIMITS } from "../limits.ts";
import type { Plan } from "../plan/types.ts";
import type { Observed } from "./progress.ts";
import type { Snapshot } from "./snapshot.ts";

export interface Status {
  readonly state: "deploying" | "running" | "degraded" | "failed";
  readonly code: string;
  readonly message: string;
}

export interface StatusInput {
  readonly snapshot: Snapshot;
  readonly plan: Plan;
  readonly observed: readonly Observed[];
  readonly rolledBack: boolean;
  /** The plan asks for a change that is submitted together with this status. */
  readonly changing: boolean;
}

export function statusOf(input: StatusInput): Status {
  return degradedBy(input) ?? progressOf(input) ?? routesOf(input) ?? running(input);
}

function status(state: Status["state"], code: ItContractCode, message?: string): Status {
  const spec = itContractErrors[code];
  return { state, code, message: bounded(`${message ?? spec.summary} ${state === "running" || state === "deploying" ? "" : spec.cure}`) };
}

const bounded = (message: string): string => message.trim().slice(0, chain.LIMITS.messageLength);

function degradedBy(input: StatusInput): Status | undefined {
  const { plan, observed, snapshot } = input;
  if (input.rolledBack) return status("degraded", "it_contract.rolled_back", failureText("The new version failed and was undone", observed));
  const [shortfall] = plan.shortfalls;
  if (shortfall !== undefined) return status("degraded", shortfall.code, shortfall.message);
  const broken = observed.filter((item) => item.nodeUp && (item.condition === "failed" || item.condition === "unhealthy"));
  if (broken.length > 0) return brokenStatus(input, broken);
  const lost = observed.filter((item) => !item.nodeUp);
  if (lost.length > 0 && !input.changing) {
    const names = lost.map((item) => item.name).join(", ");
    const nodes = [...new Set(lost.map((item) => item.part.contract.nodeId))].join(", ");
    return status("degraded", "it_contract.node_lost", `${names}: waiting for node ${nodes}, which is down.`);
  }
  const partFault = snapshot.parts.find(({ contract }) => contract.report?.version === contract.version && contract.report.state === "failed");
  const report = partFault?.contract.report;
  if (report === undefined || report === null) return undefined;
  const fault = `Node ${partFault?.contract.nodeId}: ${report.message ?? report.code ?? "cannot carry out its part"}`;
  return { state: "degraded", code: report.code ?? "it_contract.zmachine_failed", message: bounded(fault) };
}

function brokenStatus(input: StatusInput, broken: readonly Observed[]): Status {
  const working = input.observed.some((item) => item.condition === "ready" && item.nodeUp);
  const failed = broken.some((item) => item.condition === "failed");
  const code: ItContractCode = input.plan.updating ? "it_contract.update_paused" : failed ? "it_contract.zmachine_failed" : "it_contract.unhealthy";
  return status(working ? "degraded" : "failed", code, failureText(input.plan.updating ? "The update waits" : "Not all zmachines work", broken));
}

function failureText(prefix: string, observed: readonly Observed[]): string {
  const parts = observed
    .filter((item) => item.condition === "failed" || item.condition === "unhealthy")
    .map((item) => `${item.name} on node ${item.part.contract.nodeId} is ${item.report?.state ?? "gone"}${item.report?.message === undefined ? "" : ` (${item.report.message})`}`);
  return parts.length === 0 ? `${prefix}.` : `${prefix}: ${parts.slice(0, 3).join("; ")}.`;
}

function progressOf(input: StatusInput): Status | undefined {
  const { plan, observed } = input;
  if (plan.updating) return status("deploying", "it_contract.updating", `Version ${plan.version} is being rolled out.`);
  const wanted = plan.parts.reduce((sum, part) => sum + part.zmachines.length, 0);
  const ready = observed.filter((item) => item.condition === "ready" && item.nodeUp).length;
  if (!input.changing && ready >= wanted) return undefined;
  return status("deploying", "it_contract.deploying", `${Math.min(ready, wanted)} of ${wanted} zmachines work.`);
}

/** A public name serves when its gateway says that it has a backend. */
function routesOf({ snapshot, plan }: StatusInput): Status | undefined {
  const replicas = new Map(snapshot.document.services.map((service) => [service.name, service.replicas]));
  const up = new Set(snapshot.ledger.nodes.filter((node) => node.up).map((node) => node.id));
  for (const rule of snapshot.document.ingress) {
    const name = plan.names.find((planned) => planned.name === rule.name);
    if (name === undefined || (replicas.get(rule.service) ?? 0) === 0) continue;
    if (!up.has(name.gatewayNodeId)) return status("degraded", "it_contract.node_lost", `Gateway node ${name.gatewayNodeId}, which serves ${name.host}, is down.`);
    const contract = snapshot.parts.find((part) => part.contract.nodeId === name.gatewayNodeId)?.contract;
    const route = contract?.report?.routes.find((item) => item.host === name.host || item.host === name.name);
    const waits = route === undefined || route.code === "node.route_without_backend" || route.code === "node.route_without_name";
    if (!waits && route.code !== undefined) return { state: "degraded", code: route.code, message: bounded(`${name.host}: ${route.message ?? route.code}`) };
    if (waits || route.backends === 0) return status("deploying", "it_contract.deploying", `${name.host} has no working backend yet.`);
  }
  return undefined;
}

function running({ snapshot, plan, observed }: StatusInput): Status {
  const { escrowUnits } = snapshot.solution;
  if (escrowUnits < plan.costPerHourUnits * AGENT_LIMITS.escrowWarningHours) {
    const message = `Everything runs, but the deposit lasts for less than ${AGENT_LIMITS.escrowWarningHours} hours. ${itContractErrors["it_contract.escrow_low"].cure}`;
    return status("running", "it_contract.escrow_low", message);
  }
  return status("running", "it_contract.running", `All ${observed.length} zmachines work.`);
}

export function statusOfError(error: GridError, solution: Solution): Status {
  return { state: solution.parts.length === 0 ? "failed" : "degraded", code: error.code, message: bounded(`${error.message} ${error.cure}`) };
}

export function sameStatus(solution: Solution, next: Status): boolean {
  return solution.state === next.state && solution.note?.code === next.code && solution.note.message === next.message;
}
