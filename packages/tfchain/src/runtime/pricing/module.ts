/**
 * What things cost, in US dollars, and what 1 TFT counts: the median of what authorised feeders said lately, followed in bounded
 * steps. When they fall silent the last price stays in force and is called stale.
 *
 * Call: feed by a feeder.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import { readBlockTimeMs } from "../nodes/pulse.ts";
import { priceView, pricingCalls } from "./feed.ts";
import { readPricing } from "./store.ts";

export const pricingModule = {
  calls: pricingCalls,
  queries: (state: StateReader): Pick<StateQueries, "pricing" | "price"> => ({
    pricing: () => readPricing(state),
    price: () => priceView(state, readBlockTimeMs(state)),
  }),
} as const satisfies Module;
