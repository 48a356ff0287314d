/** What a part costs an hour: the ledger's own formula, with what the node's farm asks for. */
import type { Resources } from "@tfgrid/primitives";
import { type Farm, type Node, type Pricing, chain, runtime } from "@tfgrid/tfchain";

interface Place {
  readonly node: Pick<Node, "certification">;
  /** Unknown: the ledger's prices. */
  readonly farm: Pick<Farm, "pricing"> | undefined;
}

/** What the farm has announced counts already: a budget must last beyond the notice. */
export function termsOf({ farm }: Pick<Place, "farm">): chain.FarmTerms {
  return farm === undefined ? runtime.LEDGER_TERMS : runtime.announcedTerms(farm);
}

export function partCostPerHour(pricing: Pricing, place: Place, resources: Resources): bigint {
  return runtime.nodeCostPerHour({ pricing, resources, publicIps: 0, certified: place.node.certification === "certified", terms: termsOf(place) });
}

/** What the same resources cost there, in hundredths of percent of the ledger's price on a node that is not certified. */
export function dearness(pricing: Pricing, place: Place): number {
  return termsOf(place).computePercent * (100 + (place.node.certification === "certified" ? pricing.certifiedPercent : 0));
}

export const nameCostPerHour = (pricing: Pricing): bigint => runtime.nameCostPerHour(pricing);
