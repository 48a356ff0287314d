/** Subnets per node and addresses per zmachine. What has an address keeps it; a freed one is not given out in the same step. */
import type { NodeId } from "@tfgrid/primitives";
import { fail } from "../errors.ts";
import type { NodeState, PlanState } from "./state.ts";
import type { Network, PlannedZmachine } from "./types.ts";

const MAX_SUBNET = 254;
/** .1 is the network's router and name server. */
const FIRST_HOST = 2;
const LAST_HOST = 254;

/** The networks that this node serves, with its share of each. @throws GridError it_contract.too_many_parts */
export function networksOn(state: PlanState, at: NodeState, names: ReadonlySet<string>, taken: Map<string, Set<number>>): readonly Network[] {
  return [...names].sort().map((name) => {
    const held = at.part?.networks.find((network) => network.name === name);
    const defined = state.input.document.networks.find((network) => network.name === name) ?? held;
    if (defined === undefined) throw new Error(`network ${name} is neither in the document nor in the contract`);
    const used = takenSubnets(state, name, taken);
    const subnetIndex = held?.subnetIndex ?? freeSubnet(name, used);
    used.add(subnetIndex);
    return { name, cidr: defined.cidr, subnetIndex, internal: defined.internal };
  });
}

function takenSubnets(state: PlanState, name: string, taken: Map<string, Set<number>>): Set<number> {
  let used = taken.get(name);
  if (used === undefined) {
    const shares = state.input.current.parts.flatMap((part) => part.networks.filter((network) => network.name === name));
    used = new Set(shares.map((network) => network.subnetIndex));
    taken.set(name, used);
  }
  return used;
}

function freeSubnet(name: string, used: ReadonlySet<number>): number {
  for (let index = 1; index <= MAX_SUBNET; index += 1) if (!used.has(index)) return index;
  throw fail("it_contract.too_many_parts", { message: `Network ${name} spans more than ${MAX_SUBNET} nodes.` });
}

/** Network names that a zmachine is in. */
export function networkNamesOf(state: PlanState, zmachine: PlannedZmachine): readonly string[] {
  if (zmachine.spec === "current") return zmachine.networks.map((network) => network.name);
  return state.services.get(zmachine.service)?.networks.map((network) => network.name) ?? [];
}

/** @throws GridError it_contract.too_many_parts */
export function addressed(state: PlanState, at: NodeState, networks: readonly Network[]): readonly PlannedZmachine[] {
  const used = new Set(at.part?.zmachines.flatMap((zmachine) => zmachine.networks.map((network) => network.ip)));
  const byName = new Map(networks.map((network) => [network.name, network]));
  return at.placed.map((zmachine) => ({
    ...zmachine,
    networks: networkNamesOf(state, zmachine).map((name) => {
      const network = byName.get(name) as Network;
      const held = zmachine.networks.find((own) => own.name === name)?.ip ?? "";
      const ip = held.startsWith(prefixOf(network)) ? held : freeAddress(network, used, at.node.id);
      used.add(ip);
      return { name, ip };
    }),
  }));
}

const prefixOf = (network: Network): string => `${network.cidr.split(".").slice(0, 2).join(".")}.${network.subnetIndex}.`;

function freeAddress(network: Network, used: ReadonlySet<string>, nodeId: NodeId): string {
  for (let host = FIRST_HOST; host <= LAST_HOST; host += 1) {
    const ip = `${prefixOf(network)}${host}`;
    if (!used.has(ip)) return ip;
  }
  throw fail("it_contract.too_many_parts", { message: `Network ${network.name} has no free address on node ${nodeId}.` });
}
