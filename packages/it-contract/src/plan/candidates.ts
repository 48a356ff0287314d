/** Which nodes can take a zmachine, and why the others cannot. */
import { chain, runtime } from "@tfgrid/tfchain";
import type { Service } from "@tfgrid/notary";
import { fits, formatBytes, type NodeId } from "@tfgrid/primitives";
import type { Node } from "@tfgrid/tfchain";
import { dearness } from "./cost.ts";
import { demandOn, type NodeState, type PlanState, volumesOf } from "./state.ts";
import type { PlanNote } from "./types.ts";

type Reason =
  | "down"
  | "asleep"
  | "cordoned or draining"
  | "of dedicated farms"
  | "rented by others"
  | "of a rent without money"
  | "in other countries"
  | "not certified"
  | "of other farms"
  | "not among the nodes named"
  | "of too little reputation"
  | "without the isolation class"
  | "holding another replica"
  | "in a farm that holds another replica"
  | "without free cpu"
  | "without free memory"
  | "without free ssd"
  | "without free hdd"
  | "full";

/** Why a node takes no new zmachine of this service, apart from room. */
export function excluded(state: PlanState, at: NodeState, service: Service): Reason | undefined {
  const { node } = at;
  if (runtime.isOff(node)) return "asleep";
  if (!node.up) return "down";
  if (node.maintenance.mode !== "none") return "cordoned or draining";
  const closed = closedFor(state, at);
  if (closed !== undefined) return closed;
  return misplaced(state, node, service) ?? spreadReason(state, at, service);
}

/** Whether the node takes nothing of this solution, as the ledger decides it: a rent counts before the farm's own rule. */
export function closedFor(state: PlanState, { node, farm }: NodeState): Reason | undefined {
  const rent = state.input.rents?.get(node.id);
  if (rent !== undefined) {
    if (rent.twinId !== state.input.ownerTwinId) return "rented by others";
    return rent.paid ? undefined : "of a rent without money";
  }
  return farm?.dedicated === true && farm.twinId !== state.input.document.agentTwinId ? "of dedicated farms" : undefined;
}

/** Points by which the reputation of a node may fall below the minimum before what runs there moves: else it would move to and fro. */
const REPUTATION_SLACK = 50;

/** What the file demands of the place: holds for new zmachines and for those that run. */
export function misplaced(state: PlanState, node: Node, service: Service, running = false): Reason | undefined {
  const { placement } = service;
  const country = node.location.country.toLowerCase();
  if (placement.countries.length > 0 && !placement.countries.some((wanted) => wanted.toLowerCase() === country)) return "in other countries";
  if (placement.certifiedOnly && node.certification !== "certified") return "not certified";
  if (placement.farmIds.length > 0 && !placement.farmIds.includes(node.farmId)) return "of other farms";
  if (placement.nodeIds.length > 0 && !placement.nodeIds.includes(node.id)) return "not among the nodes named";
  const least = placement.minReputation - (running ? REPUTATION_SLACK : 0);
  if (placement.minReputation > 0 && (state.input.reputation?.get(node.id) ?? 0) < least) return "of too little reputation";
  return node.isolation.includes(service.isolation) ? undefined : "without the isolation class";
}

/** Replicas that share a volume must share its node, so spreading does not concern them. */
function spreadReason(state: PlanState, at: NodeState, service: Service): Reason | undefined {
  const { spread } = service.placement;
  if (spread === "none" || volumesOf(service).length > 0) return undefined;
  // Older versions that are about to go do not block their successor.
  if (replicasOn(at, service.name, true) > 0) return "holding another replica";
  return spread === "farm" && replicasInFarm(state, at, service.name, true) > 0 ? "in a farm that holds another replica" : undefined;
}

function replicasOn(at: NodeState, service: string, staying = false): number {
  return at.placed.filter((zmachine) => zmachine.service === service && (!staying || zmachine.spec === "document")).length;
}

function replicasInFarm(state: PlanState, at: NodeState, service: string, staying = false): number {
  let count = 0;
  for (const other of state.nodes.values()) if (other.node.farmId === at.node.farmId) count += replicasOn(other, service, staying);
  return count;
}

function noRoom(state: PlanState, at: NodeState, service: Service): Reason | undefined {
  if (at.placed.length >= chain.LIMITS.zmachinesPerContract) return "full";
  const want = demandOn(state, at, { resources: service.resources, volumes: volumesOf(service) });
  if (fits(want, at.free)) return undefined;
  if (want.cpuMilli > at.free.cpuMilli) return "without free cpu";
  if (want.memoryBytes > at.free.memoryBytes) return "without free memory";
  return want.ssdBytes > at.free.ssdBytes ? "without free ssd" : "without free hdd";
}

export type Choice = { readonly ok: true; readonly at: NodeState } | { readonly ok: false; readonly note: PlanNote };

/** The best node for one more zmachine of this service; the same answer for the same input, always. */
export function choose(state: PlanState, service: Service, only?: NodeId): Choice {
  const counts = new Map<Reason, number>();
  const good: NodeState[] = [];
  const pool = [...state.nodes.values()].filter((at) => only === undefined || at.node.id === only);
  const roomless: NodeState[] = [];
  for (const at of pool) {
    const reason = excluded(state, at, service);
    const room = reason ?? noRoom(state, at, service);
    if (room === undefined) good.push(at);
    else counts.set(room, (counts.get(room) ?? 0) + 1);
    if (reason === undefined && room !== undefined) roomless.push(at);
  }
  good.sort((a, b) => compare(state, service, a, b));
  const [best] = good;
  if (best !== undefined) return { ok: true, at: best };
  return { ok: false, note: { code: "it_contract.no_capacity", message: noCapacity(service, pool.length, counts, roomless) } };
}

function noCapacity(service: Service, total: number, counts: ReadonlyMap<Reason, number>, roomless: readonly NodeState[]): string {
  const { countries } = service.placement;
  const where = countries.length > 0 ? ` in ${countries.join(", ")}` : "";
  const { cpuMilli, memoryBytes } = service.resources;
  const want = `${cpuMilli / 1000} cores and ${formatBytes(memoryBytes)} of memory`;
  const why = [...counts].map(([reason, count]) => `${count} ${reason}`).join(", ");
  const largest = Math.max(0, ...roomless.map((at) => at.free.memoryBytes));
  const free = roomless.length === 0 ? "" : `; ${roomless.length} otherwise suitable, largest free memory ${formatBytes(largest)}`;
  return `No node has room for ${service.name} (${want})${where}: ${total} nodes known${why === "" ? "" : `, ${why}`}${free}.`;
}

/** Apart from its own kind first, then on nodes that the owner pays for anyway, off the gateways, where it costs least, evenly over the solution's nodes, then most free memory; ids break ties. */
function compare(state: PlanState, service: Service, a: NodeState, b: NodeState): number {
  const keys = [
    (at: NodeState) => replicasOn(at, service.name),
    (at: NodeState) => replicasInFarm(state, at, service.name),
    (at: NodeState) => (state.input.rents?.has(at.node.id) === true ? 0 : 1),
    (at: NodeState) => (at.node.publicConfig?.domain === undefined ? 0 : 1),
    (at: NodeState) => dearness(state.input.pricing, at),
    (at: NodeState) => at.placed.length,
    (at: NodeState) => -at.free.memoryBytes,
    (at: NodeState) => at.node.id,
  ];
  for (const key of keys) {
    const difference = key(a) - key(b);
    if (difference !== 0) return difference;
  }
  return 0;
}
