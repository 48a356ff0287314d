/** What a part costs an hour: the ledger's own formula, with its one rounding. */
import { cloudUnits, type Resources, UNITS_PER_TFT } from "@tfgrid/primitives";
import type { Node, Pricing } from "@tfgrid/tfchain";

/** Cloud units count in millionths and prices in micro dollars. */
const MICRO = 1_000_000n;

export function partCostPerHour(pricing: Pricing, node: Pick<Node, "certification">, resources: Resources): bigint {
  const { cuMicro, suMicro } = cloudUnits(resources);
  const compute = cuMicro * BigInt(pricing.cuMicroUsdPerHour) + suMicro * BigInt(pricing.suMicroUsdPerHour);
  const percent = 100n + (node.certification === "certified" ? BigInt(pricing.certifiedPercent) : 0n);
  return (compute * percent * UNITS_PER_TFT) / (100n * MICRO * BigInt(pricing.tftPriceMicroUsd));
}

export function nameCostPerHour(pricing: Pricing): bigint {
  return (BigInt(pricing.nameMicroUsdPerHour) * UNITS_PER_TFT) / BigInt(pricing.tftPriceMicroUsd);
}
