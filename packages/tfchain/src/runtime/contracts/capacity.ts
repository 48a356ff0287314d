/** Capacity is reserved here, on the ledger, before any workload exists: two contracts can never be promised the same memory. */
import { type ContractId, type Resources, type TwinId, addResources, fits, subtractResources } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Node } from "../../types/entities.ts";
import type { StateReader, StateWriter } from "../api.ts";
import type { CallContext } from "../context.ts";
import { farms, requireFarm } from "../farms/store.ts";
import { isAsleep, isOff } from "../nodes/off.ts";
import { nodes, requireNode } from "../nodes/store.ts";
import { actingTwin } from "../twins/store.ts";
import { rentOf, requireRenter } from "./rent.ts";

/** @throws GridError nodes.asleep, nodes.down, nodes.cordoned: the node takes no new contracts */
export function requireReadyNode(state: StateReader, id: Node["id"]): Node {
  const node = requireNode(state, id);
  if (isOff(node)) throw runtimeErrors.fail("nodes.asleep", { message: `Node ${id} ${isAsleep(node) ? "sleeps" : "is about to sleep"}.`, details: { nodeId: id } });
  return requireTakesNew(node);
}

/** As above, but a node that sleeps may be rented as a whole: that is worth waking it for, and no bill runs until it is up. */
export function requireRentableNode(state: StateReader, id: Node["id"]): Node {
  return requireTakesNew(requireNode(state, id));
}

function requireTakesNew(node: Node): Node {
  const { id } = node;
  const details = { nodeId: id };
  if (!node.up && !isAsleep(node)) throw runtimeErrors.fail("nodes.down", { message: `Node ${id} is down.`, details });
  if (node.maintenance.mode !== "none") {
    const message = `Node ${id} takes no new contracts (${node.maintenance.mode}).`;
    throw runtimeErrors.fail("nodes.cordoned", { message, details: { ...details, mode: node.maintenance.mode } });
  }
  return node;
}

/** The node, open for what `payer` pays for. @throws GridError contracts.node_rented, contracts.node_dedicated */
export function requireOpenNode(context: CallContext, id: Node["id"], payer: TwinId): Node {
  const node = requireReadyNode(context.state, id);
  const rent = rentOf(context.state, id);
  if (rent !== undefined) {
    requireRenter(context.state, rent, payer);
    return node;
  }
  const farm = requireFarm(context.state, node.farmId);
  if (farm.dedicated && farm.twinId !== actingTwin(context).id) throw runtimeErrors.fail("contracts.node_dedicated", { details: { nodeId: id } });
  return node;
}

/** Replaces `old` by `want` in what is reserved on the node. @throws GridError contracts.capacity_exceeded */
export function reserve(state: StateWriter, node: Node, change: { readonly old: Resources; readonly want: Resources }): void {
  const others = subtractResources(node.reserved, change.old);
  const free = subtractResources(node.total, others);
  if (!fits(change.want, free)) throw capacityExceeded(node, change.want, free);
  nodes.put(state, node.id, { ...node, reserved: addResources(others, change.want) });
}

export function unreserve(state: StateWriter, id: Node["id"], resources: Resources): void {
  const node = requireNode(state, id);
  nodes.put(state, id, { ...node, reserved: subtractResources(node.reserved, resources) });
}

function capacityExceeded(node: Node, want: Resources, free: Resources): ReturnType<typeof runtimeErrors.fail> {
  const kinds = ["cpuMilli", "memoryBytes", "ssdBytes", "hddBytes"] as const;
  const short = kinds.filter((kind) => want[kind] > free[kind]);
  const details: Record<string, number | readonly string[]> = { nodeId: node.id, short };
  for (const kind of short) {
    details[`${kind}Wanted`] = want[kind];
    details[`${kind}Free`] = free[kind];
  }
  const message = `Node ${node.id} has no room: ${short.map((kind) => `${kind} ${want[kind]} wanted, ${free[kind]} free`).join("; ")}.`;
  return runtimeErrors.fail("contracts.capacity_exceeded", { message, details });
}

/** Gives `count` free addresses of the node's farm to the contract. @throws GridError contracts.no_public_ip */
export function assignPublicIps(state: StateWriter, node: Node, contractId: ContractId, count: number): void {
  if (count === 0) return;
  const farm = requireFarm(state, node.farmId);
  const free = farm.publicIps.filter((ip) => ip.contractId === null).length;
  if (free < count) {
    throw runtimeErrors.fail("contracts.no_public_ip", {
      message: `Farm ${farm.id} has ${free} free public addresses, ${count} are wanted.`,
      details: { farmId: farm.id, free, wanted: count },
    });
  }
  let left = count;
  const publicIps = farm.publicIps.map((ip) => (ip.contractId === null && left-- > 0 ? { ...ip, contractId } : ip));
  farms.put(state, farm.id, { ...farm, publicIps });
}

export function freePublicIps(state: StateWriter, node: Node, contractId: ContractId): void {
  const farm = requireFarm(state, node.farmId);
  const publicIps = farm.publicIps.map((ip) => (ip.contractId === contractId ? { ...ip, contractId: null } : ip));
  farms.put(state, farm.id, { ...farm, publicIps });
}
