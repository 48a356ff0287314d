/** What is on the machine and should not be: removed in the order processes, attachments, volumes and networks. */
import type { ContractId } from "@tfgrid/primitives";
import { NODE_LIMITS } from "../limits.ts";
import { contractOfKey, znetKey } from "./keys.ts";
import type { PlanInput } from "./plan.ts";
import type { DesiredContract } from "./model.ts";
import type { Planning } from "./planning.ts";

export function planLeftovers(planning: Planning, input: PlanInput): void {
  const contracts = new Map(input.desired.contracts.map((contract) => [contract.contractId, contract]));
  zmachines(planning, input, contracts);
  attachments(planning, input, contracts);
  volumes(planning, input, contracts);
  znets(planning, input);
}

type Contracts = ReadonlyMap<ContractId, DesiredContract>;

function zmachines(planning: Planning, { desired, actual }: PlanInput, contracts: Contracts): void {
  for (const { key, contractId, state, startedAtMs } of actual.zmachines) {
    const contract = contracts.get(contractId);
    const lane = `zmachine:${key}`;
    if (contract === undefined) {
      // The contract ended: its data goes too, so there is nothing to shut down gently for.
      if (desired.ended.has(contractId)) planning.emit({ id: `remove:${key}`, lane, type: "remove", contractId, key });
      continue;
    }
    if (contract.zmachines.some((zmachine) => zmachine.key === key)) continue;
    if (state === "running") {
      const graceMs = NODE_LIMITS.defaultStopGraceMs;
      const stop = { id: `stop:${key}`, lane, type: "stop", reason: "removed", stopSignal: "" } as const;
      planning.emit({ ...stop, contractId, key, runMs: startedAtMs, graceMs });
    } else planning.emit({ id: `remove:${key}`, lane, type: "remove", contractId, key });
  }
}

function attachments(planning: Planning, { desired, actual }: PlanInput, contracts: Contracts): void {
  for (const key of actual.attachments) {
    if (actual.zmachines.some((status) => status.key === key)) continue;
    const contractId = contractOfKey(key);
    if (contractId === undefined) continue;
    const contract = contracts.get(contractId);
    const isWanted = contract === undefined ? !desired.ended.has(contractId) : contract.zmachines.some((zmachine) => zmachine.key === key);
    if (!isWanted) planning.emit({ id: `detach:${key}`, lane: `zmachine:${key}`, type: "detach", contractId, key });
  }
}

function volumes(planning: Planning, { desired, actual }: PlanInput, contracts: Contracts): void {
  for (const { contractId, name } of actual.volumes) {
    const contract = contracts.get(contractId);
    if (contract === undefined && !desired.ended.has(contractId)) continue;
    if (contract?.volumes.some((volume) => volume.name === name) === true) continue;
    // A zmachine of an older version may still have it mounted.
    const mayBeInUse = actual.zmachines.some(
      (status) => status.contractId === contractId && contract?.zmachines.find(({ key }) => key === status.key)?.specHash !== status.specHash,
    );
    if (mayBeInUse) continue;
    const lane = `volume:${contractId}/${name}`;
    planning.emit({ id: `remove_volume:${contractId}/${name}`, lane, type: "remove_volume", contractId, name });
  }
}

function znets(planning: Planning, { desired, actual }: PlanInput): void {
  if (!desired.complete) return;
  const wanted = new Set(desired.contracts.flatMap((contract) => contract.networks.map(({ name }) => znetKey(contract.solutionId, name))));
  const known = new Set([...desired.contracts.map(({ contractId }) => contractId), ...desired.ended]);
  // Whose network it is cannot be told while there is something here of a contract that was not read.
  const keys = [...actual.attachments, ...actual.zmachines.map(({ key }) => key)].filter((key) => contractOfKey(key) !== undefined);
  if (keys.some((key) => !known.has(contractOfKey(key) as ContractId))) return;
  const live = new Set(desired.contracts.flatMap(({ zmachines }) => zmachines.map(({ key }) => key)));
  if (keys.some((key) => !live.has(key))) return;
  for (const key of actual.znets) {
    if (!wanted.has(key)) planning.emit({ id: `remove_znet:${key}`, lane: `znet:${key}`, type: "remove_znet", key });
  }
}
