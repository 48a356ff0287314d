/**
 * The price of TFT: the median of what authorised feeders said lately, moved towards in bounded steps. One feeder decides
 * nothing, all of them together cannot make it jump, and when they fall silent the last price stays in force.
 */
import type { AccountId } from "@tfgrid/primitives";
import { s } from "@tfgrid/primitives";
import { type Feed, type PriceView, feed as feedSchema } from "../../types/ledger.ts";
import type { StateReader } from "../api.ts";
import type { CallContext, CallOf, Handlers } from "../context.ts";
import { requireFeeder } from "../policy/offices.ts";
import { readCharter, readPolicy } from "../policy/store.ts";
import { cell, table } from "../store/table.ts";
import { pricingCell, readPricing } from "./store.ts";

export const feeds = table<AccountId, Feed>({ prefix: "feed", schema: feedSchema });
/** When the price last moved, and when a median last stood behind it. */
export const priceStampCell = cell("meta/price", s.struct({ movedAtMs: s.uint(), medianAtMs: s.uint() }));

export const pricingCalls: Handlers<"pricing"> = { "pricing.feed": feedPrice };

function feedPrice(context: CallContext, { tftPriceMicroUsd }: CallOf<"pricing.feed">): void {
  const { state, block, signer, emit } = context;
  requireFeeder(context);
  feeds.put(state, signer, { account: signer, tftPriceMicroUsd, atMs: block.timeMs });
  const target = median(freshPrices(state, block.timeMs), readPolicy(state).price.minFeeders);
  if (target === undefined) return;
  const stamp = priceStampCell.get(state) ?? { movedAtMs: 0, medianAtMs: 0 };
  const pricing = readPricing(state);
  const next = step(state, pricing.tftPriceMicroUsd, target);
  const due = block.timeMs >= stamp.movedAtMs + readPolicy(state).price.stepMs;
  const moves = due && next !== pricing.tftPriceMicroUsd;
  priceStampCell.put(state, { movedAtMs: moves ? block.timeMs : stamp.movedAtMs, medianAtMs: block.timeMs });
  if (!moves) return;
  pricingCell.put(state, { ...pricing, tftPriceMicroUsd: next });
  emit({ type: "pricing.moved", tftPriceMicroUsd: next, medianMicroUsd: target });
}

/** Of those who hold the office now: who lost it has no say any more. */
function freshPrices(state: StateReader, nowMs: number): number[] {
  const { freshMs } = readPolicy(state).price;
  const rows = readCharter(state).feeders.flatMap((account) => feeds.get(state, account) ?? []);
  return rows.filter(({ atMs }) => nowMs - atMs < freshMs).map(({ tftPriceMicroUsd }) => tftPriceMicroUsd);
}

/** The middle one; of an even number the lower middle one: a price that somebody has said. */
export function median(prices: readonly number[], least: number): number | undefined {
  if (prices.length < least) return undefined;
  return prices.toSorted((a, b) => a - b)[(prices.length - 1) >> 1];
}

/** Towards the target, at most `maxStepPercent` (rounded down, but at least one millionth), within the absolute bounds. */
function step(state: StateReader, price: number, target: number): number {
  const { maxStepPercent, minMicroUsd, maxMicroUsd } = readPolicy(state).price;
  const most = Math.max(1, Math.floor((price * maxStepPercent) / 100));
  const moved = Math.min(price + most, Math.max(price - most, target));
  return Math.min(maxMicroUsd, Math.max(minMicroUsd, moved));
}

/** `stale`: feeders are appointed, but no median of theirs stands behind the price any more. */
export function priceView(state: StateReader, nowMs: number): PriceView {
  const stamp = priceStampCell.get(state) ?? { movedAtMs: 0, medianAtMs: 0 };
  const { feeders } = readCharter(state);
  return {
    tftPriceMicroUsd: readPricing(state).tftPriceMicroUsd,
    ...stamp,
    stale: feeders.length > 0 && nowMs - stamp.medianAtMs >= readPolicy(state).price.freshMs,
    feeds: feeders.flatMap((account) => feeds.get(state, account) ?? []),
  };
}
