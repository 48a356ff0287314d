import { readFileSync } from "node:fs";
import { GIB, cloudUnits } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { coverUnits } from "../../src/runtime/accounts/stake.ts";
import { usageUnits } from "../../src/runtime/contracts/usage.ts";
import { DEFAULT_PRICING } from "../../src/runtime/genesis.ts";
import { MAIN_POLICY } from "../../src/runtime/policy/presets.ts";
import { nodeCostPerHour, rentCostPerHour } from "../../src/runtime/pricing/cost.ts";
import { fadeBy } from "../../src/runtime/reputation/fade.ts";
import { rewardUnits } from "../../src/runtime/rewards/formula.ts";

interface Size {
  readonly cpuMilli: number;
  readonly memoryGiB: number;
  readonly ssdGiB: number;
  readonly hddGiB?: number;
}
interface Cases<T> {
  readonly cases: readonly T[];
}
type Priced = Size & { readonly certified: boolean; readonly tftPriceMicroUsd: number; readonly units: number };
interface Vectors {
  readonly cloudUnits: Cases<Size & { readonly cuMicro: number; readonly suMicro: number }>;
  readonly nodeCostPerHour: Cases<Priced & { readonly publicIps: number }>;
  readonly rentCostPerHour: Cases<Priced & { readonly discountPercent: number }>;
  readonly usage: Cases<{ readonly bytes: number; readonly tftPriceMicroUsd: number; readonly certified: boolean; readonly trafficPercent?: number; readonly units: number }>;
  readonly farmPrices: Cases<
    Priced & { readonly publicIps: number; readonly computePercent: number; readonly ipv4Percent: number; readonly rentDiscountPercent: number | null; readonly nodeUnits: number; readonly rentUnits: number }
  >;
  readonly stakeCover: Cases<{ readonly spendPerHourUnits: number; readonly halfMonths: number; readonly units: number; readonly discountPercent: number }> & {
    readonly monthMs: number;
  };
  readonly reward: Cases<{
    readonly cuMicro: number;
    readonly suMicro: number;
    readonly provenMs: number;
    readonly publicBytes: number;
    readonly ipv4Ms: number;
    readonly certified: boolean;
    readonly connectionMicroUsd: number;
    readonly units: number;
  }>;
  readonly fade: Cases<{ readonly value: number; readonly steps: number; readonly left: number }>;
}

const vectors = JSON.parse(readFileSync(new URL("../../vectors/money.json", import.meta.url), "utf8")) as Vectors;
const resources = ({ cpuMilli, memoryGiB, ssdGiB, hddGiB = 0 }: Size) => ({
  cpuMilli,
  memoryBytes: memoryGiB * GIB,
  ssdBytes: ssdGiB * GIB,
  hddBytes: hddGiB * GIB,
});
const at = (tftPriceMicroUsd: number) => ({ ...DEFAULT_PRICING, tftPriceMicroUsd });

describe("money, by the published examples", () => {
  it.each(vectors.cloudUnits.cases)("cloud units %o", (row) => {
    expect(cloudUnits(resources(row))).toEqual({ cuMicro: BigInt(row.cuMicro), suMicro: BigInt(row.suMicro) });
  });
  it.each(vectors.nodeCostPerHour.cases)("node contract %o", (row) => {
    const { publicIps, certified } = row;
    expect(nodeCostPerHour({ pricing: at(row.tftPriceMicroUsd), resources: resources(row), publicIps, certified })).toBe(BigInt(row.units));
  });
  it.each(vectors.rentCostPerHour.cases)("rent %o", (row) => {
    const { certified, discountPercent } = row;
    expect(rentCostPerHour({ pricing: at(row.tftPriceMicroUsd), total: resources(row), certified, discountPercent })).toBe(BigInt(row.units));
  });
  it.each(vectors.usage.cases)("traffic %o", ({ bytes, tftPriceMicroUsd, certified, trafficPercent = 100, units }) => {
    expect(usageUnits(at(tftPriceMicroUsd), { bytes, certified, trafficPercent })).toBe(BigInt(units));
  });
  it.each(vectors.farmPrices.cases)("a farm's own prices %o", (row) => {
    const { certified, publicIps, computePercent, ipv4Percent, rentDiscountPercent } = row;
    const [pricing, terms] = [at(row.tftPriceMicroUsd), { computePercent, ipv4Percent, trafficPercent: 100, rentDiscountPercent }];
    expect(nodeCostPerHour({ pricing, resources: resources(row), publicIps, certified, terms })).toBe(BigInt(row.nodeUnits));
    expect(rentCostPerHour({ pricing, total: resources(row), certified, discountPercent: 50, terms })).toBe(BigInt(row.rentUnits));
  });
  it.each(vectors.stakeCover.cases)("stake %o", ({ spendPerHourUnits, halfMonths, units, discountPercent }) => {
    expect(coverUnits(BigInt(spendPerHourUnits), halfMonths, vectors.stakeCover.monthMs)).toBe(BigInt(units));
    expect(MAIN_POLICY.stake.levels).toContainEqual({ halfMonths, discountPercent });
  });
  it.each(vectors.reward.cases)("reward %o", ({ units, cuMicro, suMicro, ...rest }) => {
    expect(rewardUnits({ rewards: MAIN_POLICY.rewards, cuMicro: BigInt(cuMicro), suMicro: BigInt(suMicro), ...rest })).toBe(BigInt(units));
  });
  it.each(vectors.fade.cases)("fading %o", ({ value, steps, left }) => {
    expect(fadeBy(BigInt(value), steps)).toBe(BigInt(left));
  });
});
