/** What the nodes' reports say about every zmachine of a solution. */
import type { ZmachineSpec } from "@tfgrid/notary";
import type { Report } from "@tfgrid/tfchain";
import { AGENT_LIMITS } from "../limits.ts";
import type { Progress } from "../plan/types.ts";
import { isCurrent, type Renderer } from "./instructions.ts";
import type { Part } from "../plan/current.ts";
import type { Snapshot } from "./snapshot.ts";

type ZmachineReport = Report["zmachines"][number];
export type Condition = "ready" | "starting" | "unhealthy" | "failed";

export interface Observed {
  readonly name: string;
  readonly spec: ZmachineSpec;
  readonly part: Part;
  readonly condition: Condition;
  /** Started so long ago; what an update's `monitor` waits for. */
  readonly upForMs: number;
  readonly report: ZmachineReport | undefined;
  readonly nodeUp: boolean;
}

export function observe(snapshot: Snapshot, nowMs: number): readonly Observed[] {
  const up = new Set(snapshot.ledger.nodes.filter((node) => node.up).map((node) => node.id));
  return snapshot.parts.flatMap((part) => {
    const { contract, instruction } = part;
    // A report about an older contract version may be about an older zmachine of the same name.
    const reports = contract.report?.version === contract.version ? contract.report.zmachines : [];
    return instruction.zmachines.map((spec): Observed => {
      const report = reports.find((item) => item.name === spec.name);
      const upForMs = report === undefined || report.startedAtMs === 0 ? 0 : Math.max(0, nowMs - report.startedAtMs);
      return { name: spec.name, spec, part, report, upForMs, condition: conditionOf(spec, report), nodeUp: up.has(contract.nodeId) };
    });
  });
}

function conditionOf(spec: ZmachineSpec, report: ZmachineReport | undefined): Condition {
  if (report === undefined) return "starting";
  if (report.state === "healthy" || (report.state === "running" && spec.healthcheck === null)) return "ready";
  if (report.state === "unhealthy" || report.state === "failed") return report.state;
  if (report.state === "restarting") return report.restarts >= AGENT_LIMITS.restartsUntilFailed ? "failed" : "starting";
  // What ends by itself and is not restarted has done its work; with an error it would be `failed`.
  return report.state === "exited" && spec.restart.condition !== "any" ? "ready" : "starting";
}

export interface Judged {
  readonly progress: Progress;
  /** When a zmachine that is up will have been watched long enough. */
  readonly againInMs: number | undefined;
}

export function judge(snapshot: Snapshot, renderer: Renderer, observed: readonly Observed[]): Judged {
  const services = new Map(snapshot.document.services.map((service) => [service.name, service]));
  const outdated = new Set<string>();
  const ready = new Set<string>();
  const failed = new Set<string>();
  let againInMs: number | undefined;
  for (const item of observed) {
    const service = services.get(item.spec.service);
    if (service === undefined) continue;
    const { nodeId } = item.part.contract;
    if (!isCurrent(renderer, service, nodeId, item.spec)) outdated.add(item.name);
    if (item.condition === "failed" || (item.condition === "unhealthy" && item.nodeUp)) failed.add(item.name);
    if (item.condition !== "ready" || !item.nodeUp) continue;
    const waitMs = service.update.monitorMs + service.update.delayMs - item.upForMs;
    if (waitMs <= 0) ready.add(item.name);
    else againInMs = Math.min(againInMs ?? waitMs, waitMs);
  }
  return { progress: { outdated, ready, failed, rolledBack: isRolledBack(snapshot, observed, { outdated, failed }) }, againInMs };
}

/**
 * Either the ledger already says that this version was undone, or a new zmachine of a service that wants it has just failed
 * while older ones still run.
 */
function isRolledBack(snapshot: Snapshot, observed: readonly Observed[], sets: { readonly outdated: ReadonlySet<string>; readonly failed: ReadonlySet<string> }): boolean {
  if (sets.outdated.size === 0) return false;
  if (snapshot.solution.state === "degraded" && snapshot.solution.note?.code === "it_contract.rolled_back") return true;
  return snapshot.document.services.some((service) => {
    if (service.update.failureAction !== "rollback") return false;
    const own = observed.filter((item) => item.spec.service === service.name);
    const freshFailed = own.some((item) => sets.failed.has(item.name) && !sets.outdated.has(item.name));
    return freshFailed && own.some((item) => sets.outdated.has(item.name));
  });
}
