/**
 * Desired against actual -> the steps that may be taken now. Called again after every step and event; it never
 * remembers anything itself, so that a plan after a crash is the same as a plan without one.
 */
import type { ContractId } from "@tfgrid/primitives";
import type { ZmachineStatus } from "../ports.ts";
import type { ServiceState } from "./depends.ts";
import { NODE_LIMITS } from "../limits.ts";
import { znetKey } from "./keys.ts";
import type { Actual, Desired, DesiredContract, DesiredZmachine, Failure, Fault, Memory, Phase, Plan, ZmachineState } from "./model.ts";
import { planZmachine } from "./plan-zmachine.ts";
import { planLeftovers } from "./plan-leftovers.ts";
import { Planning } from "./planning.ts";
import { NO_MEMORY } from "./restart.ts";

export interface PlanInput {
  readonly desired: Desired;
  readonly actual: Actual;
  readonly memory: Memory;
  readonly nowMs: number;
}

export const volumeStep = (contractId: ContractId, name: string, sizeBytes: number): string =>
  `ensure_volume:${contractId}/${name}/${sizeBytes}`;
export const znetStep = (key: string, network: DesiredContract["networks"][number]): string =>
  `ensure_znet:${key}/${network.cidr}/${network.subnetIndex}/${network.internal}`;
export const pullStep = (digest: string): string => `pull:${digest}`;

export function planNode(input: PlanInput): Plan {
  const { desired, actual, memory, nowMs } = input;
  const phases = new Map<string, Phase>();
  const faults = new Map<ContractId, Fault>();
  const before = provisionalStates(input);
  const planning = new Planning({ nowMs, memory, serviceStates: () => before });
  for (const contract of desired.contracts) {
    const ground = planGround(planning, contract, actual);
    if (ground.fault !== undefined) faults.set(contract.contractId, ground.fault);
    planContract(planning, input, { contract, ground, phases });
  }
  planLeftovers(planning, input);
  return { actions: planning.actions, phases, faults, wakeAtMs: planning.wakeAtMs };
}

interface Ground {
  readonly volumes: ReadonlyMap<string, Failure | "pending">;
  readonly networks: ReadonlyMap<string, Failure | "pending">;
  readonly fault: Fault | undefined;
}

/** Volumes and networks of a contract, all at once; answers those that are not there yet. */
function planGround(planning: Planning, contract: DesiredContract, actual: Actual): Ground {
  const volumes = new Map<string, Failure | "pending">();
  const networks = new Map<string, Failure | "pending">();
  const { contractId, solutionId } = contract;
  for (const { name, sizeBytes, kind } of contract.volumes) {
    const id = volumeStep(contractId, name, sizeBytes);
    const exists = actual.volumes.some((volume) => volume.contractId === contractId && volume.name === name);
    if (exists && planning.isDone(id)) continue;
    const lane = `volume:${contractId}/${name}`;
    volumes.set(name, planning.emit({ id, lane, type: "ensure_volume", contractId, name, sizeBytes, kind }) ?? "pending");
  }
  for (const network of contract.networks) {
    const key = znetKey(solutionId, network.name);
    const id = znetStep(key, network);
    if (actual.znets.includes(key) && planning.isDone(id)) continue;
    networks.set(network.name, planning.emit({ id, lane: `znet:${key}`, type: "ensure_znet", contractId, key, network }) ?? "pending");
  }
  const fault = [...volumes.values(), ...networks.values()].find((entry) => entry !== "pending");
  return { volumes, networks, fault };
}

function planContract(
  planning: Planning,
  input: PlanInput,
  part: { readonly contract: DesiredContract; readonly ground: Ground; readonly phases: Map<string, Phase> },
): void {
  const { contract, ground, phases } = part;
  const statuses = new Map(input.actual.zmachines.map((status) => [status.key, status]));
  let pulls = contract.zmachines.filter(({ spec }) => planning.isInFlight(pullStep(spec.image.digest))).length;
  const replacing = new Set<string>();
  for (const zmachine of contract.zmachines) {
    const status = statuses.get(zmachine.key);
    const memory = input.memory.zmachines.get(zmachine.key) ?? NO_MEMORY;
    const needsImage = contract.mode === "run" && needsStart(zmachine, status) && zmachine.fault === undefined;
    const image = needsImage ? planPull(planning, zmachine, pulls < NODE_LIMITS.pullsPerContract) : undefined;
    if (image === "emitted") pulls += 1;
    const missing = missingGround(zmachine, ground) ?? missingImage(image);
    const mayReplace = !replacing.has(zmachine.spec.service) && siblingsAreGood(input, contract, zmachine);
    phases.set(zmachine.key, planZmachine(planning, { contract, zmachine, status, memory, mayReplace, missing }));
    const isReplaced = status?.state === "running" && status.specHash !== zmachine.specHash && missing === undefined && mayReplace;
    if (isReplaced) replacing.add(zmachine.spec.service);
  }
}

const needsStart = (zmachine: DesiredZmachine, status: ZmachineStatus | undefined): boolean =>
  status === undefined || status.specHash !== zmachine.specHash || status.state !== "running";

function planPull(planning: Planning, { spec }: DesiredZmachine, mayPull: boolean): "there" | "queued" | "emitted" | Failure {
  const id = pullStep(spec.image.digest);
  if (planning.isDone(id)) return "there";
  const waits = planning.isInFlight(id) || planning.actions.some((action) => action.id === id);
  if (!waits && !mayPull) return "queued";
  if (waits && !planning.isInFlight(id)) return "queued";
  return planning.emit({ id, lane: id, type: "pull", image: spec.image }) ?? "emitted";
}

function missingImage(image: ReturnType<typeof planPull> | undefined): { readonly state: ZmachineState; readonly fault?: Fault } | undefined {
  if (image === undefined || image === "there") return undefined;
  return typeof image === "string" ? { state: "pulling" } : { state: "failed", fault: image };
}

function missingGround(zmachine: DesiredZmachine, ground: Ground): { readonly state: ZmachineState; readonly fault?: Fault } | undefined {
  const { spec } = zmachine;
  const wanted = [
    ...spec.mounts.filter((mount) => mount.type === "volume").map((mount) => ground.volumes.get(mount.source)),
    ...spec.networks.map((network) => ground.networks.get(network.name)),
  ].filter((entry) => entry !== undefined);
  if (wanted.length === 0) return undefined;
  const failure = wanted.find((entry) => entry !== "pending");
  return failure === undefined ? { state: "waiting" } : { state: "failed", fault: failure };
}

/** One replica of a service is replaced at a time, and none while an already replaced one does not work: the rest keeps serving. */
function siblingsAreGood(input: PlanInput, contract: DesiredContract, zmachine: DesiredZmachine): boolean {
  return contract.zmachines.every((sibling) => {
    if (sibling.key === zmachine.key || sibling.spec.service !== zmachine.spec.service) return true;
    const status = input.actual.zmachines.find(({ key }) => key === sibling.key);
    if (status === undefined || input.memory.inFlight.has(`stop:${sibling.key}`)) return false;
    return status.specHash === sibling.specHash ? isGood(sibling, status, input.memory) : status.state === "running";
  });
}

function isGood(zmachine: DesiredZmachine, status: ZmachineStatus, memory: Memory): boolean {
  if (status.state === "exited") return status.exitCode === 0 && zmachine.spec.restart.condition !== "any";
  if (status.state !== "running") return false;
  if (zmachine.spec.healthcheck === null) return true;
  const health = memory.zmachines.get(zmachine.key)?.health;
  return health?.runMs === status.startedAtMs && health.state === "healthy";
}

/** States of local zmachines as far as dependencies need them, before the plan's own steps; remote ones from reports. */
function provisionalStates({ desired, actual, memory }: PlanInput): readonly ServiceState[] {
  const statuses = new Map(actual.zmachines.map((status) => [status.key, status]));
  const local = desired.contracts.flatMap((contract) =>
    contract.zmachines.map((zmachine) => ({
      solutionId: contract.solutionId,
      service: zmachine.spec.service,
      state: provisionalState(zmachine, statuses.get(zmachine.key), memory),
    })),
  );
  return [...local, ...desired.remote];
}

function provisionalState(zmachine: DesiredZmachine, status: ZmachineStatus | undefined, memory: Memory): ZmachineState {
  if (status === undefined || status.specHash !== zmachine.specHash || status.state === "created") return "waiting";
  if (isGood(zmachine, status, memory)) {
    if (status.state === "exited") return "exited";
    return zmachine.spec.healthcheck === null ? "running" : "healthy";
  }
  return status.state === "running" ? "running" : "failed";
}
