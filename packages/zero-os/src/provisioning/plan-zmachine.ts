/** The next step of one zmachine, from what should be, what is, and what is remembered. Pure. */
import { type Healthcheck, freshHealth } from "./health.ts";
import type { Action, DesiredContract, DesiredZmachine, Fault, HaltReason, Phase, ZmachineMemory, ZmachineState } from "./model.ts";
import type { Planning } from "./planning.ts";
import { decideExit, faultOf, NO_MEMORY } from "./restart.ts";
import { unmetDependency } from "./depends.ts";
import type { ZmachineStatus } from "../ports.ts";

export interface ZmachineCase {
  readonly contract: DesiredContract;
  readonly zmachine: DesiredZmachine;
  readonly status: ZmachineStatus | undefined;
  readonly memory: ZmachineMemory;
  /** False while another replica of the service is being replaced. */
  readonly mayReplace: boolean;
  /** Volumes, networks and image are there; otherwise what is missing. */
  readonly missing: { readonly state: ZmachineState; readonly fault?: Fault } | undefined;
}

export function planZmachine(planning: Planning, job: ZmachineCase): Phase {
  const { contract, status, zmachine } = job;
  if (contract.mode === "pause") return paused(planning, job);
  if (zmachine.fault !== undefined && status?.specHash !== zmachine.specHash) {
    return phase(job, status?.state === "running" ? "running" : "failed", zmachine.fault);
  }
  if (status === undefined || (status.specHash === zmachine.specHash && status.state === "created")) return starting(planning, job);
  if (status.specHash !== zmachine.specHash) return replacing(planning, job, status);
  return status.state === "running" ? running(planning, job, status) : exited(planning, job, status);
}

function paused(planning: Planning, job: ZmachineCase): Phase {
  if (job.status?.state === "running") halt(planning, job, job.status, "paused");
  return phase(job, "stopped");
}

function starting(planning: Planning, job: ZmachineCase): Phase {
  if (job.missing !== undefined) return phase(job, job.missing.state, job.missing.fault);
  const unmet = unmetDependency(job.zmachine.spec, job.contract.solutionId, planning.serviceStates());
  if (unmet !== undefined) {
    const text = `Waits for service ${unmet.service} (${unmet.condition.replace("service_", "").replaceAll("_", " ")}).`;
    return phase(job, "waiting", faultOf("node.waits_for_service", text));
  }
  return start(planning, job, "starting", false);
}

function start(planning: Planning, job: ZmachineCase, state: ZmachineState, restart: boolean): Phase {
  const { contract, zmachine } = job;
  const id = `start:${zmachine.key}:${zmachine.specHash}`;
  const failure = planning.emit({ id, lane: lane(zmachine), type: "start", contractId: contract.contractId, contract, zmachine, restart });
  return failure === undefined ? phase(job, state) : phase(job, "failed", failure);
}

/** The old one serves until everything that the new one needs is there. */
function replacing(planning: Planning, job: ZmachineCase, status: ZmachineStatus): Phase {
  const isUp = status.state === "running";
  if (job.missing !== undefined) return phase(job, isUp ? "running" : job.missing.state, job.missing.fault);
  if (isUp && !job.mayReplace) return phase(job, "running");
  if (isUp) {
    halt(planning, job, status, "replaced");
    return phase(job, "restarting");
  }
  const { contractId } = job.contract;
  const { key } = job.zmachine;
  const failure = planning.emit({ id: `remove:${key}`, lane: lane(job.zmachine), type: "remove", contractId, key });
  return phase(job, failure === undefined ? "starting" : "failed", failure);
}

function running(planning: Planning, job: ZmachineCase, status: ZmachineStatus): Phase {
  const check = job.zmachine.spec.healthcheck;
  if (check === null) return phase(job, "running");
  const health = job.memory.health?.runMs === status.startedAtMs ? job.memory.health : freshHealth(status.startedAtMs, planning.nowMs);
  probe(planning, job, { check, atMs: health.nextProbeMs, runMs: status.startedAtMs });
  if (health.state === "healthy") return phase(job, "healthy");
  if (health.state === "starting") return phase(job, "running");
  // It does not serve: end it, and let the restart policy decide as if it had failed by itself.
  if (job.zmachine.spec.restart.condition !== "none") halt(planning, job, status, "unhealthy");
  return phase(job, "unhealthy", faultOf("node.unhealthy", `Health check: ${health.output}`));
}

function probe(
  planning: Planning,
  job: ZmachineCase,
  due: { readonly check: Healthcheck; readonly atMs: number; readonly runMs: number },
): void {
  const { key } = job.zmachine;
  const { contractId } = job.contract;
  if (due.atMs > planning.nowMs) {
    planning.wakeAt(due.atMs);
    return;
  }
  planning.emit({
    id: `probe:${key}`,
    lane: `probe:${key}`,
    type: "probe",
    contractId,
    key,
    runMs: due.runMs,
    healthcheck: due.check,
  });
}

function exited(planning: Planning, job: ZmachineCase, status: ZmachineStatus): Phase {
  const decision = decideExit(job.zmachine, status, job.memory);
  if (decision.type === "final") return phase(job, decision.state, decision.fault);
  if (decision.atMs > planning.nowMs) {
    planning.wakeAt(decision.atMs);
    return phase(job, "restarting", decision.fault);
  }
  if (job.missing !== undefined) return phase(job, job.missing.state, job.missing.fault ?? decision.fault);
  const begun = start(planning, job, "restarting", decision.counted);
  return begun.fault === undefined && decision.fault !== undefined ? { ...begun, fault: decision.fault } : begun;
}

function halt(planning: Planning, job: ZmachineCase, status: ZmachineStatus, reason: HaltReason): void {
  const { spec, key } = job.zmachine;
  planning.emit({
    id: `stop:${key}`,
    lane: lane(job.zmachine),
    type: "stop",
    contractId: job.contract.contractId,
    key,
    runMs: status.startedAtMs,
    reason,
    stopSignal: spec.stopSignal,
    graceMs: spec.stopGraceMs,
  } satisfies Action);
}

const lane = (zmachine: DesiredZmachine): string => `zmachine:${zmachine.key}`;

function phase(job: ZmachineCase, state: ZmachineState, fault?: Fault): Phase {
  const memory = job.memory ?? NO_MEMORY;
  const startedAtMs = job.status !== undefined && job.status.state !== "created" ? job.status.startedAtMs : 0;
  return { state, startedAtMs, restarts: memory.restarts, ...(fault === undefined ? {} : { fault: { code: fault.code, message: fault.message } }) };
}
