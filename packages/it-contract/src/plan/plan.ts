/** The planner: document and ledger in, complete placement out. Pure; the same input gives the same plan. */
import { chain } from "@tfgrid/tfchain";
import type { Service } from "@tfgrid/notary";
import { addResources, formatTft, isGridError, NO_RESOURCES, type NodeId, type Resources } from "@tfgrid/primitives";
import type { ItContractCode } from "../errors.ts";
import { addressed, networkNamesOf, networksOn } from "./addresses.ts";
import { choose } from "./candidates.ts";
import { partCostPerHour } from "./cost.ts";
import { planNames } from "./gateway.ts";
import { keepLost, newZmachine, revertOvergrown, type ServiceStep, settleService } from "./services.ts";
import { type NodeState, place, type PlanState, startState, volumeResources, volumesOf, zmachineResources } from "./state.ts";
import type { Plan, PlanInput, PlannedName, PlannedPart, PlanNote, PlanResult } from "./types.ts";

/** Not possible at all: nothing runs yet and it cannot begin. What runs already is kept as far as possible, with `shortfalls`. */
export function plan(input: PlanInput): PlanResult {
  try {
    const full = attempt(input, true);
    const overBudget = full.costPerHourUnits > full.budgetPerHourUnits;
    if (input.current.parts.length === 0) {
      const problems = [...full.shortfalls, ...(overBudget ? [overBudgetNote(full)] : [])];
      return problems.length === 0 ? { ok: true, plan: full } : { ok: false, problems };
    }
    if (!overBudget) return { ok: true, plan: full };
    // Nothing new for which nobody agreed to pay; what serves now serves on.
    const reduced = attempt(input, false);
    return { ok: true, plan: { ...reduced, shortfalls: [overBudgetNote(full), ...reduced.shortfalls.filter((note) => note.code !== "it_contract.no_capacity")] } };
  } catch (error) {
    if (!isGridError(error)) throw error;
    return { ok: false, problems: [{ code: error.code as ItContractCode, message: error.message }] };
  }
}

function overBudgetNote(full: Plan): PlanNote {
  const cost = formatTft(full.costPerHourUnits);
  const budget = formatTft(full.budgetPerHourUnits);
  return { code: "it_contract.over_budget", message: `The solution would cost ${cost} TFT an hour; its budget is ${budget} TFT an hour.` };
}

function attempt(input: PlanInput, mayGrow: boolean): Plan {
  const state = startState(input);
  const services = [...input.document.services].sort((a, b) => volumesOf(b).length - volumesOf(a).length || (a.name < b.name ? -1 : 1));
  const steps = services.map((service) => settleService(state, service));
  revertOvergrown(state);
  const groups = volumeGroups(input.document.services);
  for (const step of steps) fill(state, step, { mayGrow, group: groups.get(step.service.name) ?? [step.service] });
  warnVolumes(state);
  const names = planNames(state);
  return finish(state, names);
}

/** Services that share a volume, directly or through others, live on one node. */
function volumeGroups(services: readonly Service[]): ReadonlyMap<string, readonly Service[]> {
  const groups = new Map<string, readonly Service[]>(services.map((service) => [service.name, [service]]));
  const owner = new Map<string, string>();
  for (const service of services) {
    for (const volume of volumesOf(service)) {
      const first = owner.get(volume);
      owner.set(volume, first ?? service.name);
      if (first === undefined) continue;
      const joined = [...new Set([...(groups.get(first) ?? []), ...(groups.get(service.name) ?? [])])];
      for (const member of joined) groups.set(member.name, joined);
    }
  }
  return groups;
}

interface FillOptions {
  readonly mayGrow: boolean;
  readonly group: readonly Service[];
}

function fill(state: PlanState, step: ServiceStep, options: FillOptions): void {
  const { service, lost } = step;
  const volumes = new Set(options.group.flatMap(volumesOf));
  if (step.abandonsVolumes) abandonVolumes(state, service, volumes);
  let replaced = 0;
  for (let count = 0; count < step.missing + step.surge; count += 1) {
    const surging = count >= step.missing;
    const note = options.mayGrow ? addOne(state, service, volumes) : overBudgetSkip();
    if (note === undefined) {
      replaced += 1;
      continue;
    }
    if (options.mayGrow) state.shortfalls.push(surging ? { ...note, message: `The update waits: ${note.message}` } : note);
    break;
  }
  // Replacements first serve the lost ones; those without one stay in their contract.
  for (const item of lost.slice(replaced)) keepLost(state, service, item);
}

const overBudgetSkip = (): PlanNote => ({ code: "it_contract.over_budget", message: "" });

function abandonVolumes(state: PlanState, service: Service, volumes: ReadonlySet<string>): void {
  for (const volume of volumes) {
    const home = state.volumeHome.get(volume);
    if (home === undefined || state.nodes.get(home)?.node.up === true) continue;
    state.volumeHome.delete(volume);
    state.warnings.push({
      code: "it_contract.node_lost",
      message: `Node ${home} with volume ${volume} is down; ${service.name} starts elsewhere with an empty volume, as its on_node_loss says.`,
    });
  }
}

function addOne(state: PlanState, service: Service, volumes: ReadonlySet<string>): PlanNote | undefined {
  const homes = new Set<NodeId>([...volumes].flatMap((volume) => state.volumeHome.get(volume) ?? []));
  const [home, other] = homes;
  if (other !== undefined)
    return { code: "it_contract.no_capacity", message: `The volumes of ${service.name} are on different nodes (${[...homes].join(", ")}), but a zmachine is on one.` };
  const choice = choose(state, service, home);
  if (!choice.ok) return choice.note;
  place(state, choice.at, newZmachine(state, choice.at, service));
  for (const volume of volumes) state.volumeHome.set(volume, choice.at.node.id);
  return undefined;
}

function warnVolumes(state: PlanState): void {
  for (const service of state.input.document.services) {
    const volumes = volumesOf(service);
    if (volumes.length === 0 || service.replicas === 0) continue;
    const what = service.onNodeLoss === "wait" ? "it waits for its node when that is lost" : "when its node is lost it starts elsewhere with empty volumes";
    state.warnings.push({ code: "it_contract.node_lost", message: `Service ${service.name} has a volume (${volumes.join(", ")}): ${what}.` });
  }
}

function finish(state: PlanState, names: readonly PlannedName[]): Plan {
  const { document, current } = state.input;
  const taken = new Map<string, Set<number>>();
  const parts = [...state.nodes.values()].flatMap((at) => partOn(state, at, { names, taken }) ?? []);
  const used = new Set(parts.map((part) => part.nodeId));
  const keptNames = new Set(names.map((name) => name.contractId));
  const cancels: Plan["cancels"] = [
    ...current.parts.filter((part) => !used.has(part.nodeId)).map(({ contractId, nodeId }) => ({ contractId, nodeId, kind: "node" as const, reason: cancelReason(state, nodeId) })),
    ...current.names.filter((name) => !keptNames.has(name.contractId)).map((name) => ({ contractId: name.contractId, nodeId: name.gatewayNodeId, kind: "name" as const, reason: cancelReason(state, name.gatewayNodeId) })),
  ];
  if (parts.length + names.length > chain.LIMITS.partsPerSolution)
    state.shortfalls.push({ code: "it_contract.too_many_parts", message: `The solution needs ${parts.length + names.length} contracts; the ledger allows ${chain.LIMITS.partsPerSolution}.` });
  return {
    solution: document.name,
    version: document.version,
    agentTwinId: document.agentTwinId,
    parts,
    names,
    cancels,
    costPerHourUnits: [...parts, ...names].reduce((sum, item) => sum + item.costPerHourUnits, 0n),
    budgetPerHourUnits: document.budgetPerHourUnits,
    warnings: state.warnings,
    shortfalls: state.shortfalls,
    updating: state.updating,
  };
}

function cancelReason(state: PlanState, nodeId: NodeId): string {
  const node = state.nodes.get(nodeId)?.node;
  if (node?.up !== true) return "its node is down";
  return node.maintenance.mode === "drain" ? "its node is being drained" : "nothing of the solution is left on its node";
}

function partOn(state: PlanState, at: NodeState, shared: { readonly names: readonly PlannedName[]; readonly taken: Map<string, Set<number>> }): PlannedPart | undefined {
  const served = new Set(shared.names.filter((name) => name.gatewayNodeId === at.node.id).map((name) => name.name));
  const routes = state.input.document.ingress.filter((rule) => served.has(rule.name));
  if (at.placed.length === 0 && routes.length === 0) return undefined;
  const wanted = new Set([...at.placed.flatMap((zmachine) => networkNamesOf(state, zmachine)), ...routes.map((rule) => rule.network)]);
  const networks = networksOn(state, at, wanted, shared.taken);
  const volumes = [...at.volumes.values()];
  const resources: Resources = [
    ...at.placed.map((zmachine) => zmachineResources(zmachine.resources)),
    ...volumes.map(volumeResources),
  ].reduce(addResources, NO_RESOURCES);
  // The rent pays for the resources.
  const rented = state.input.rents?.has(at.node.id) === true;
  return {
    nodeId: at.node.id,
    farmId: at.node.farmId,
    country: at.node.location.country,
    contractId: at.part?.contractId ?? null,
    networks,
    volumes,
    zmachines: addressed(state, at, networks),
    routes,
    resources,
    costPerHourUnits: rented ? 0n : partCostPerHour(state.input.pricing, at, resources),
  };
}
