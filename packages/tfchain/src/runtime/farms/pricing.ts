/** A farm's own prices: cheaper at once, dearer after a notice, so that whoever runs there can move before he pays more. */
import { runtimeErrors } from "../../errors.ts";
import type { Farm, FarmPricing, FarmTerms } from "../../types/entities.ts";
import type { Policy } from "../../types/policy.ts";
import type { CallContext, CallOf } from "../context.ts";
import { readPolicy } from "../policy/store.ts";
import { LEDGER_TERMS, dearer, sameTerms, termsAt } from "../pricing/terms.ts";
import { farms, requireOwnFarm } from "./store.ts";

/** @throws GridError farms.not_owner, farms.price_out_of_range */
export function setPricing(context: CallContext, { farmId, terms }: CallOf<"farms.set_pricing">): void {
  const { state, block, emit } = context;
  const farm = requireOwnFarm(context, farmId);
  const policy = readPolicy(state);
  if (terms !== null) requireInRange(policy.farmPricing, terms);
  const wanted = terms ?? LEDGER_TERMS;
  const now = termsAt(farm, block.timeMs);
  const waits = dearer(wanted, now, policy.rentDiscountPercent);
  const fromMs = block.timeMs + (waits ? policy.farmPricing.noticeMs : 0);
  farms.put(state, farmId, withPricing(farm, waits ? { terms: now, next: { terms: wanted, fromMs } } : { terms: wanted, next: null }));
  emit({ type: "farms.priced", farmId, terms: wanted, fromMs });
}

/** The ledger's prices leave no trace: two farms that ask the same are the same. */
function withPricing({ pricing: _old, ...farm }: Farm, pricing: FarmPricing): Farm {
  return pricing.next === null && sameTerms(pricing.terms, LEDGER_TERMS) ? farm : { ...farm, pricing };
}

function requireInRange({ minPercent, maxPercent, maxRentDiscountPercent }: Policy["farmPricing"], terms: FarmTerms): void {
  const { computePercent, ipv4Percent, trafficPercent, rentDiscountPercent } = terms;
  const wrong = Object.entries({ computePercent, ipv4Percent, trafficPercent }).find(([, percent]) => percent < minPercent || percent > maxPercent);
  if (wrong === undefined && (rentDiscountPercent ?? 0) <= maxRentDiscountPercent) return;
  const [name, value, min, max] = wrong === undefined ? ["rentDiscountPercent", rentDiscountPercent, 0, maxRentDiscountPercent] : [...wrong, minPercent, maxPercent];
  throw runtimeErrors.fail("farms.price_out_of_range", { message: `${name} may be ${min} to ${max}, not ${value}.`, details: { name, value, min, max } });
}
