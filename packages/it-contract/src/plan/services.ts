/**
 * For every service: which of its zmachines stay as they are, which change in place, which go, and how many are new.
 * A step of an update is chosen so that what serves now serves on.
 */
import type { Service } from "@tfgrid/notary";
import { type NodeState, place, type PlanState, volumesOf, zmachineResources } from "./state.ts";
import { misplaced } from "./candidates.ts";
import { addResources, fits, NO_RESOURCES, type NodeId, subtractResources } from "@tfgrid/primitives";
import type { CurrentZmachine, PlannedZmachine } from "./types.ts";

interface Existing {
  readonly zmachine: CurrentZmachine;
  readonly nodeId: NodeId;
}

export interface ServiceStep {
  readonly service: Service;
  /** New ones that the service lacks. */
  readonly missing: number;
  /** New ones on top while older ones still serve. */
  readonly surge: number;
  /** On lost nodes: they go when their replacement finds room, else they stay and wait. */
  readonly lost: readonly Existing[];
  /** The volume's node is lost too: its volumes start empty elsewhere. */
  readonly abandonsVolumes: boolean;
}

/** Keeps what stays (and reserves its room) and says what is still to be placed. */
export function settleService(state: PlanState, service: Service): ServiceStep {
  const existing = existingOf(state, service.name);
  const stateful = volumesOf(service).length > 0;
  const isLost = ({ nodeId }: Existing): boolean => state.nodes.get(nodeId)?.node.up !== true && service.onNodeLoss === "replace";
  const lost = existing.filter(isLost).slice(0, service.replicas);
  const here = existing.filter((item) => !isLost(item));
  for (const item of here) warnWaiting(state, service, item);
  const fresh = here.filter((item) => !leaving(state, service, item, stateful));
  const old = here.filter((item) => !fresh.includes(item)).sort((a, b) => readyRank(state, a) - readyRank(state, b) || byName(a, b));
  // After a rollback the older version goes before the new one.
  const room = state.input.progress?.rolledBack === true ? Math.max(0, service.replicas - old.length) : service.replicas;
  const kept = fresh.sort((a, b) => readyRank(state, b) - readyRank(state, a) || byName(a, b)).slice(0, room);
  for (const item of kept) keep(state, service, item, "document");
  const step = old.length === 0 ? { inPlace: [], retire: 0, surge: 0 } : updateStep(state, service, { kept, old, lost: lost.length });
  if (old.length > 0) state.updating = true;
  for (const item of step.inPlace) keep(state, service, item, "document");
  const rest = old.filter((item) => !step.inPlace.includes(item)).slice(step.retire);
  for (const item of rest) keep(state, service, item, "current");
  const present = kept.length + step.inPlace.length + rest.length;
  return {
    service,
    lost,
    surge: step.surge,
    missing: Math.max(0, service.replicas - present),
    abandonsVolumes: stateful && lost.length > 0,
  };
}

function existingOf(state: PlanState, service: string): Existing[] {
  return state.input.current.parts
    .flatMap((part) => part.zmachines.filter((zmachine) => zmachine.service === service).map((zmachine) => ({ zmachine, nodeId: part.nodeId })))
    .sort(byName);
}

const numberOf = (name: string): number => Number(/-(\d+)$/.exec(name)?.[1] ?? 0);
const byName = (a: Existing, b: Existing): number => numberOf(a.zmachine.name) - numberOf(b.zmachine.name) || a.nodeId - b.nodeId;
const readyRank = (state: PlanState, item: Existing): number => (state.input.progress?.ready.has(item.zmachine.name) === true ? 1 : 0);

/** Must be replaced or changed: older version, place no longer allowed, draining node, or grown out of its node. */
function leaving(state: PlanState, service: Service, item: Existing, stateful: boolean): boolean {
  if (state.input.progress?.outdated.has(item.zmachine.name) === true) return true;
  return !stateful && mustMove(state, service, item);
}

function mustMove(state: PlanState, service: Service, item: Existing): boolean {
  const node = state.nodes.get(item.nodeId)?.node;
  if (node === undefined) return true;
  // A node that is down takes no part in an update; what waits there waits.
  if (!node.up) return false;
  return node.maintenance.mode === "drain" || misplaced(state, node, service, true) !== undefined;
}

function warnWaiting(state: PlanState, service: Service, item: Existing): void {
  const node = state.nodes.get(item.nodeId)?.node;
  const { name } = item.zmachine;
  if (node?.up !== true) state.warnings.push({ code: "it_contract.node_lost", message: `${name} waits for node ${item.nodeId}, which is down.` });
  else if (node.maintenance.mode === "drain" && volumesOf(service).length > 0)
    state.warnings.push({ code: "it_contract.node_lost", message: `Node ${node.id} is being drained, but ${name} stays with its volume.` });
}

interface Update {
  readonly inPlace: readonly Existing[];
  /** How many of the old ones end now, first ones first. */
  readonly retire: number;
  readonly surge: number;
}

function updateStep(state: PlanState, service: Service, at: { readonly kept: readonly Existing[]; readonly old: readonly Existing[]; readonly lost: number }): Update {
  const { kept, old } = at;
  const nothing: Update = { inPlace: [], retire: 0, surge: 0 };
  const { progress } = state.input;
  if (progress === undefined) return finalState(state, service, old, kept.length);
  const total = kept.length + old.length + at.lost;
  const extra = Math.max(0, total - service.replicas);
  const failed = kept.some(({ zmachine }) => progress.failed.has(zmachine.name));
  const settled = kept.every(({ zmachine }) => progress.ready.has(zmachine.name));
  if (progress.rolledBack) return { ...nothing, retire: Math.max(0, old.length - service.replicas) };
  if (failed && service.update.failureAction !== "continue") return nothing;
  if (!settled && !failed) return nothing;
  if (startFirst(state, service, old)) {
    if (extra > 0) return { ...nothing, retire: Math.min(extra, old.length) };
    return { ...nothing, surge: Math.min(service.update.parallelism, old.length) };
  }
  if (extra > 0) return { ...nothing, retire: Math.min(extra, old.length) };
  const movable = old.filter((item) => !mustMove(state, service, item) && state.nodes.get(item.nodeId)?.node.up === true);
  return { ...nothing, inPlace: movable.slice(0, service.update.parallelism) };
}

/** Without reports, as before a deployment: everything that can change in place has changed. */
function finalState(state: PlanState, service: Service, old: readonly Existing[], kept: number): Update {
  const wanted = Math.max(0, service.replicas - kept);
  const stay = old.filter((item) => !mustMove(state, service, item)).slice(0, wanted);
  return { inPlace: stay, retire: old.length - stay.length, surge: 0 };
}

/** Two versions never write one volume; a zmachine that must leave its node is always replaced first. */
function startFirst(state: PlanState, service: Service, old: readonly Existing[]): boolean {
  if (volumesOf(service).length > 0) return false;
  return service.update.order === "start-first" || old.some((item) => mustMove(state, service, item));
}

function keep(state: PlanState, service: Service, item: Existing, spec: "document" | "current"): void {
  const at = state.nodes.get(item.nodeId);
  if (at === undefined) return;
  const updated = spec === "document" && state.input.progress?.outdated.has(item.zmachine.name) === true;
  place(state, at, {
    name: item.zmachine.name,
    service: service.name,
    nodeId: item.nodeId,
    networks: item.zmachine.networks,
    resources: spec === "document" ? service.resources : item.zmachine.resources,
    volumes: spec === "document" ? volumesOf(service) : item.zmachine.volumes,
    spec,
    action: updated ? "update" : "keep",
  });
}

/** The node is lost and nothing else has room: the zmachine stays in its contract and comes back with its node. */
export function keepLost(state: PlanState, service: Service, item: ServiceStep["lost"][number]): void {
  keep(state, service, item, "current");
  state.warnings.push({ code: "it_contract.node_lost", message: `${item.zmachine.name} waits for node ${item.nodeId}, which is down.` });
}

/** A new version asks for more than its node has: those zmachines stay as they are, and the plan says so. */
export function revertOvergrown(state: PlanState): void {
  for (const at of state.nodes.values()) {
    if (fits(NO_RESOURCES, at.free)) continue;
    const held = new Map(at.part?.zmachines.map((zmachine) => [zmachine.name, zmachine]));
    at.placed = at.placed.map((zmachine) => {
      const before = held.get(zmachine.name);
      if (zmachine.action !== "update" || before === undefined) return zmachine;
      at.free = subtractResources(addResources(at.free, zmachineResources(zmachine.resources)), zmachineResources(before.resources));
      const message = `Node ${at.node.id} has no room for the new size of ${zmachine.name}; it stays as it is.`;
      state.shortfalls.push({ code: "it_contract.no_capacity", message });
      return { ...zmachine, networks: before.networks, resources: before.resources, volumes: before.volumes, spec: "current", action: "keep" };
    });
  }
}

export function newZmachine(state: PlanState, at: NodeState, service: Service): PlannedZmachine {
  let number = 1;
  while (state.names.has(`${service.name}-${number}`)) number += 1;
  const name = `${service.name}-${number}`;
  state.names.add(name);
  return {
    name,
    service: service.name,
    nodeId: at.node.id,
    networks: service.networks.map((network) => ({ name: network.name, ip: "" })),
    resources: service.resources,
    volumes: volumesOf(service),
    spec: "document",
    action: "create",
  };
}
