/** Bills, splits, fees, discounts and reputation by the published worked examples, through the ledger's own state where they live there. */
import { readFileSync } from "node:fs";
import { GIB, UNITS_PER_TFT } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { discountPercent, spends, stakes } from "../../src/runtime/accounts/stake.ts";
import { accrue, sharesOf } from "../../src/runtime/billing/settle.ts";
import { DEFAULT_PRICING, PRESETS } from "../../src/runtime/genesis.ts";
import { pulseCell } from "../../src/runtime/nodes/pulse.ts";
import { paramsCell } from "../../src/runtime/params/store.ts";
import { MAIN_POLICY } from "../../src/runtime/policy/presets.ts";
import { nodeCostPerHour, prepaidUnits } from "../../src/runtime/pricing/cost.ts";
import { median } from "../../src/runtime/pricing/feed.ts";
import { NO_STANDING } from "../../src/runtime/reputation/fade.ts";
import { scoreOf } from "../../src/runtime/reputation/score.ts";
import { adjustFee, feeMultiplierCell, feeOf, loadCell } from "../../src/runtime/transactions/fee.ts";
import { MemoryState } from "../unit/runtime-harness.ts";

type Row<K extends string> = { readonly [key in K]: number } & { readonly name?: string };
interface Cases<T> {
  readonly cases: readonly T[];
}
interface Vectors {
  readonly referencePrices: Cases<Row<"cpuMilli" | "memoryGiB" | "ssdGiB" | "tftPriceMicroUsd" | "units" | "discountPercent" | "discountedUnits">> & { readonly prices: Row<"cuMicroUsd" | "suMicroUsd"> };
  readonly accrual: Cases<Row<"costPerHourUnits" | "billedMs" | "usageUnits" | "discountPercent" | "remainder" | "units" | "nextRemainder">>;
  readonly split: Cases<{ readonly units: number; readonly name: boolean; readonly farmer: number; readonly foundation: number; readonly validators: number }>;
  readonly prepaid: Cases<Row<"costPerHourUnits" | "intervalMs" | "units">>;
  readonly fee: Cases<Row<"bytes" | "multiplierMicro" | "units">>;
  readonly feeStep: Cases<Row<"multiplierMicro" | "transactions" | "bytes" | "elapsedMs" | "next">>;
  readonly discountLevel: Cases<Row<"stakedUnits" | "level" | "discountPercent">> & { readonly spendPerHourUnits: number };
  readonly median: Cases<{ readonly prices: readonly number[]; readonly least: number; readonly median: number | null }>;
  readonly reputation: Cases<
    Row<"upDays" | "downDays" | "announcedDays" | "fulfilledTft" | "failedTft" | "reviewedTft" | "praisedTft" | "violationsMilli" | "unannouncedMilli" | "score" | "confidence">
  >;
}
const vectors = JSON.parse(readFileSync(new URL("../../vectors/money.json", import.meta.url), "utf8")) as Vectors;
const DAY_MS = 86_400_000;
const tft = (amount: number): bigint => BigInt(amount) * UNITS_PER_TFT;

describe("money, by the published rules", () => {
  it.each(vectors.referencePrices.cases)("the reference's example %o", (row) => {
    const { cuMicroUsd: cuMicroUsdPerHour, suMicroUsd: suMicroUsdPerHour } = vectors.referencePrices.prices;
    const pricing = { ...DEFAULT_PRICING, cuMicroUsdPerHour, suMicroUsdPerHour, tftPriceMicroUsd: row.tftPriceMicroUsd };
    const resources = { cpuMilli: row.cpuMilli, memoryBytes: row.memoryGiB * GIB, ssdBytes: row.ssdGiB * GIB, hddBytes: 0 };
    const costPerHourUnits = nodeCostPerHour({ pricing, resources, publicIps: 0, certified: false });
    expect(costPerHourUnits).toBe(BigInt(row.units));
    const hour = { costPerHourUnits, billedMs: 3_600_000, usageUnits: 0n, discountPercent: row.discountPercent, remainder: 0n };
    expect(accrue(hour).units).toBe(BigInt(row.discountedUnits));
  });

  it.each(vectors.accrual.cases)("a bill: $name", ({ costPerHourUnits, billedMs, usageUnits, discountPercent: percent, remainder, units, nextRemainder }) => {
    const bill = { costPerHourUnits: BigInt(costPerHourUnits), billedMs, usageUnits: BigInt(usageUnits), discountPercent: percent, remainder: BigInt(remainder) };
    expect(accrue(bill)).toEqual({ units: BigInt(units), remainder: BigInt(nextRemainder) });
  });

  it.each(vectors.split.cases)("shares of $units", ({ units, name, farmer, foundation, validators }) => {
    expect(sharesOf(MAIN_POLICY.split, BigInt(units), name)).toEqual({ toFarmer: BigInt(farmer), toFoundation: BigInt(foundation), toValidators: BigInt(validators) });
  });

  it.each(vectors.prepaid.cases)("prepaid %o", ({ costPerHourUnits, intervalMs, units }) => {
    expect(prepaidUnits(BigInt(costPerHourUnits), intervalMs)).toBe(BigInt(units));
  });

  it.each(vectors.fee.cases)("fee %o", ({ bytes, multiplierMicro, units }) => {
    const state = new MemoryState();
    paramsCell.put(state, PRESETS.main);
    feeMultiplierCell.put(state, multiplierMicro);
    expect(feeOf(state, bytes)).toBe(BigInt(units));
  });

  it.each(vectors.feeStep.cases)("the fee moves: $name", ({ multiplierMicro, transactions, bytes, elapsedMs, next }) => {
    const state = new MemoryState();
    const [lastBlockMs, height] = [1_000_000, 7];
    paramsCell.put(state, PRESETS.main);
    feeMultiplierCell.put(state, multiplierMicro);
    loadCell.put(state, { height, transactions, bytes });
    pulseCell.put(state, { lastBlockMs, resumedMs: 0 });
    adjustFee({ state, block: { chainId: "c", height: height + 1, timeMs: lastBlockMs + elapsedMs }, emit: () => undefined });
    expect(feeMultiplierCell.get(state)).toBe(next);
  });

  it.each(vectors.discountLevel.cases)("discount %o", ({ stakedUnits, level, discountPercent: percent }) => {
    const state = new MemoryState();
    const twinId = 1 as never;
    stakes.put(state, twinId, { twinId, amountUnits: BigInt(stakedUnits), level, sinceMs: 0, unlocksAtMs: 1_000 });
    spends.put(state, twinId, BigInt(vectors.discountLevel.spendPerHourUnits));
    expect(discountPercent(state, twinId, 999)).toBe(percent);
    // Only while it is locked.
    expect(discountPercent(state, twinId, 1_000)).toBe(0);
  });

  it.each(vectors.median.cases)("median %o", ({ prices, least, median: middle }) => {
    expect(median(prices, least) ?? null).toBe(middle);
  });

  it.each(vectors.reputation.cases)("reputation: $name", (row) => {
    const evidence = {
      ...NO_STANDING,
      upMs: row.upDays * DAY_MS,
      downMs: row.downDays * DAY_MS,
      announcedDownMs: row.announcedDays * DAY_MS,
      fulfilledUnits: tft(row.fulfilledTft),
      failedUnits: tft(row.failedTft),
      reviewedUnits: tft(row.reviewedTft),
      praisedUnits: tft(row.praisedTft),
      violationsMilli: row.violationsMilli,
      unannouncedMilli: row.unannouncedMilli,
    };
    expect(scoreOf(evidence, MAIN_POLICY.reputation.evidenceMs)).toMatchObject({ score: row.score, confidence: row.confidence });
  });
});
