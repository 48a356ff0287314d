/** What a contract costs an hour at the prices in force. */
import { NO_RESOURCES, type NodeId, type Resources } from "@tfgrid/primitives";
import type { Contract } from "../../types/entities.ts";
import type { StateReader } from "../api.ts";
import { requireNode } from "../nodes/store.ts";
import { readPolicy } from "../policy/store.ts";
import { nameCostPerHour, nodeCostPerHour, rentCostPerHour } from "../pricing/cost.ts";
import { readPricing } from "../pricing/store.ts";
import { rentIdByNode } from "./store.ts";

/** On a rented node the resources are paid with the rent: only public addresses and traffic are left. */
export function nodePrice(state: StateReader, want: { readonly nodeId: NodeId; readonly resources: Resources; readonly publicIps: number }): bigint {
  const certified = requireNode(state, want.nodeId).certification === "certified";
  const resources = rentIdByNode.get(state, want.nodeId) === undefined ? want.resources : NO_RESOURCES;
  return nodeCostPerHour({ pricing: readPricing(state), resources, publicIps: want.publicIps, certified });
}

export function rentPrice(state: StateReader, nodeId: NodeId): bigint {
  const { total, certification } = requireNode(state, nodeId);
  const pricing = readPricing(state);
  return rentCostPerHour({ pricing, total, certified: certification === "certified", discountPercent: readPolicy(state).rentDiscountPercent });
}

export function currentPrice(state: StateReader, contract: Contract): bigint {
  if (contract.type === "name") return nameCostPerHour(readPricing(state));
  return contract.type === "rent" ? rentPrice(state, contract.nodeId) : nodePrice(state, contract);
}
