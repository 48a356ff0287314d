/** What a part costs an hour: the ledger's own formula. */
import type { Resources } from "@tfgrid/primitives";
import { type Node, type Pricing, runtime } from "@tfgrid/tfchain";

export function partCostPerHour(pricing: Pricing, node: Pick<Node, "certification">, resources: Resources): bigint {
  return runtime.nodeCostPerHour({ pricing, resources, publicIps: 0, certified: node.certification === "certified" });
}

export const nameCostPerHour = (pricing: Pricing): bigint => runtime.nameCostPerHour(pricing);
