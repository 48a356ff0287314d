/** From resources to TFT per hour. Prices are whole micro dollars; all products stay exact until the one rounding. */
import { type Resources, UNITS_PER_TFT, cloudUnits } from "@tfgrid/primitives";
import type { Pricing } from "../../types/entities.ts";
import { MS_PER_HOUR } from "../limits.ts";

/** Cloud units count in millionths and prices in micro dollars, so their product counts in millionths of micro dollars. */
const MICRO = 1_000_000n;

export interface NodeCost {
  readonly pricing: Pricing;
  readonly resources: Resources;
  readonly publicIps: number;
  readonly certified: boolean;
}

export function nodeCostPerHour(options: NodeCost): bigint {
  const { pricing, resources, publicIps, certified } = options;
  const { cuMicro, suMicro } = cloudUnits(resources);
  const compute = cuMicro * BigInt(pricing.cuMicroUsdPerHour) + suMicro * BigInt(pricing.suMicroUsdPerHour);
  const addresses = BigInt(publicIps) * BigInt(pricing.ipv4MicroUsdPerHour) * MICRO;
  const percent = 100n + (certified ? BigInt(pricing.certifiedPercent) : 0n);
  return toUnits((compute + addresses) * percent, 100n * MICRO, pricing);
}

/** All of a node's resources, less the discount for taking it as a whole. */
export function rentCostPerHour(options: {
  readonly pricing: Pricing;
  readonly total: Resources;
  readonly certified: boolean;
  readonly discountPercent: number;
}): bigint {
  const { pricing, total, certified, discountPercent } = options;
  const { cuMicro, suMicro } = cloudUnits(total);
  const compute = cuMicro * BigInt(pricing.cuMicroUsdPerHour) + suMicro * BigInt(pricing.suMicroUsdPerHour);
  const percent = (100n + (certified ? BigInt(pricing.certifiedPercent) : 0n)) * BigInt(100 - discountPercent);
  return toUnits(compute * percent, 10_000n * MICRO, pricing);
}

export function nameCostPerHour(pricing: Pricing): bigint {
  return toUnits(BigInt(pricing.nameMicroUsdPerHour), 1n, pricing);
}

/** The one place where a price is rounded: down, to a whole unit (10^-7 TFT) per hour, in the user's favour. */
function toUnits(amount: bigint, amountsPerMicroUsd: bigint, pricing: Pricing): bigint {
  return (amount * UNITS_PER_TFT) / (amountsPerMicroUsd * BigInt(pricing.tftPriceMicroUsd));
}

/** What must be prepaid to hold something: its cost over one settlement interval, rounded up so that it is covered. */
export function prepaidUnits(costPerHourUnits: bigint, intervalMs: number): bigint {
  const hour = BigInt(MS_PER_HOUR);
  return (costPerHourUnits * BigInt(intervalMs) + hour - 1n) / hour;
}

/** How long money lasts at a price, in ms, rounded down; undefined: for ever. */
export function runwayMs(units: bigint, costPerHourUnits: bigint): number | undefined {
  if (costPerHourUnits === 0n) return undefined;
  const ms = (units * BigInt(MS_PER_HOUR)) / costPerHourUnits;
  return ms > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(ms);
}
