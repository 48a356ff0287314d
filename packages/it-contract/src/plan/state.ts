/** The planner's scratch pad: what is free on each node and what has been placed so far. */
import type { Service } from "@tfgrid/notary";
import { addResources, type NodeId, NO_RESOURCES, type Resources, subtractResources } from "@tfgrid/primitives";
import type { Farm, Node } from "@tfgrid/tfchain";
import type { CurrentPart, PlanInput, PlannedZmachine, PlanNote, Volume } from "./types.ts";

export interface NodeState {
  readonly node: Node;
  readonly farm: Farm | undefined;
  readonly part: CurrentPart | undefined;
  /** Left for this solution, its own present share included, after what was placed. */
  free: Resources;
  placed: PlannedZmachine[];
  volumes: Map<string, Volume>;
}

export interface PlanState {
  readonly input: PlanInput;
  readonly nodes: ReadonlyMap<NodeId, NodeState>;
  readonly services: ReadonlyMap<string, Service>;
  readonly volumes: ReadonlyMap<string, Volume>;
  /** Names that exist or existed a moment ago: a new zmachine never takes one, so that a name means one zmachine only. */
  readonly names: Set<string>;
  /** Volume -> the node that holds it or will hold it. */
  readonly volumeHome: Map<string, NodeId>;
  readonly warnings: PlanNote[];
  readonly shortfalls: PlanNote[];
  updating: boolean;
}

export function startState(input: PlanInput): PlanState {
  const farms = new Map(input.farms.map((farm) => [farm.id, farm]));
  const parts = new Map(input.current.parts.map((part) => [part.nodeId, part]));
  const nodes = [...input.nodes].sort((a, b) => a.id - b.id);
  return {
    input,
    nodes: new Map(nodes.map((node) => [node.id, nodeState(node, farms.get(node.farmId), parts.get(node.id))])),
    services: new Map(input.document.services.map((service) => [service.name, service])),
    volumes: new Map(input.document.volumes.map((volume) => [volume.name, volume])),
    names: new Set(input.current.parts.flatMap((part) => part.zmachines.map((zmachine) => zmachine.name))),
    volumeHome: new Map(input.current.parts.flatMap((part) => part.volumes.map((volume) => [volume.name, part.nodeId] as const))),
    warnings: [],
    shortfalls: [],
    updating: false,
  };
}

function nodeState(node: Node, farm: Farm | undefined, part: CurrentPart | undefined): NodeState {
  const others = subtractResources(node.reserved, part?.resources ?? NO_RESOURCES);
  return { node, farm, part, free: subtractResources(node.total, others), placed: [], volumes: new Map() };
}

export const volumesOf = (service: Pick<Service, "mounts">): readonly string[] => [
  ...new Set(service.mounts.filter((mount) => mount.type === "volume").map((mount) => mount.source)),
];

export function zmachineResources(resources: Service["resources"]): Resources {
  return { cpuMilli: resources.cpuMilli, memoryBytes: resources.memoryBytes, ssdBytes: resources.rootfsBytes, hddBytes: 0 };
}

export function volumeResources(volume: Volume): Resources {
  return { ...NO_RESOURCES, [volume.kind === "ssd" ? "ssdBytes" : "hddBytes"]: volume.sizeBytes };
}

/** A volume never shrinks: the file system that enforces its size holds data. */
export function volumeOn(state: PlanState, at: NodeState, name: string): Volume | undefined {
  const wanted = state.volumes.get(name);
  const held = at.part?.volumes.find((volume) => volume.name === name);
  if (wanted === undefined || held === undefined) return wanted ?? held;
  return held.sizeBytes > wanted.sizeBytes || held.kind !== wanted.kind ? { ...wanted, kind: held.kind, sizeBytes: Math.max(held.sizeBytes, wanted.sizeBytes) } : wanted;
}

/** What a zmachine of these volumes takes on this node on top of what is placed there. */
export function demandOn(state: PlanState, at: NodeState, zmachine: { readonly resources: Service["resources"]; readonly volumes: readonly string[] }): Resources {
  return zmachine.volumes.reduce((sum, name) => {
    const volume = at.volumes.has(name) ? undefined : volumeOn(state, at, name);
    return volume === undefined ? sum : addResources(sum, volumeResources(volume));
  }, zmachineResources(zmachine.resources));
}

export function place(state: PlanState, at: NodeState, zmachine: PlannedZmachine): void {
  at.free = subtractResources(at.free, demandOn(state, at, zmachine));
  for (const name of zmachine.volumes) {
    const volume = volumeOn(state, at, name);
    if (volume !== undefined) at.volumes.set(name, volume);
    state.volumeHome.set(name, at.node.id);
  }
  at.placed.push(zmachine);
}
