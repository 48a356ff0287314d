/** What a contract costs an hour at the prices in force: the ledger's, by what the node's farm asks for. */
import { NO_RESOURCES, type NodeId, type Resources } from "@tfgrid/primitives";
import type { Contract, FarmTerms, Node } from "../../types/entities.ts";
import type { StateReader } from "../api.ts";
import { requireFarm } from "../farms/store.ts";
import { readBlockTimeMs } from "../nodes/pulse.ts";
import { requireNode } from "../nodes/store.ts";
import { readPolicy } from "../policy/store.ts";
import { nameCostPerHour, nodeCostPerHour, rentCostPerHour } from "../pricing/cost.ts";
import { readPricing } from "../pricing/store.ts";
import { termsAt } from "../pricing/terms.ts";
import { rentIdByNode } from "./store.ts";

/** What the farm of this node asks for in the present block. */
export const termsOf = (state: StateReader, { farmId }: Pick<Node, "farmId">): FarmTerms => termsAt(requireFarm(state, farmId), readBlockTimeMs(state));

/** On a rented node the resources are paid with the rent: only public addresses and traffic are left. */
export function nodePrice(state: StateReader, want: { readonly nodeId: NodeId; readonly resources: Resources; readonly publicIps: number }): bigint {
  const node = requireNode(state, want.nodeId);
  const resources = rentIdByNode.get(state, want.nodeId) === undefined ? want.resources : NO_RESOURCES;
  return nodeCostPerHour({ pricing: readPricing(state), resources, publicIps: want.publicIps, certified: node.certification === "certified", terms: termsOf(state, node) });
}

export function rentPrice(state: StateReader, nodeId: NodeId): bigint {
  const node = requireNode(state, nodeId);
  const certified = node.certification === "certified";
  return rentCostPerHour({ pricing: readPricing(state), total: node.total, certified, discountPercent: readPolicy(state).rentDiscountPercent, terms: termsOf(state, node) });
}

export function currentPrice(state: StateReader, contract: Contract): bigint {
  if (contract.type === "name") return nameCostPerHour(readPricing(state));
  return contract.type === "rent" ? rentPrice(state, contract.nodeId) : nodePrice(state, contract);
}
