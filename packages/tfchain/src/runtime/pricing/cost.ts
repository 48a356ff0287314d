/** From resources to TFT per hour. Prices are whole micro dollars; all products stay exact until the one rounding. */
import { type Resources, UNITS_PER_TFT, cloudUnits } from "@tfgrid/primitives";
import type { FarmTerms, Pricing } from "../../types/entities.ts";
import { MS_PER_HOUR } from "../limits.ts";
import { LEDGER_TERMS } from "./terms.ts";

/** Cloud units count in millionths and prices in micro dollars, so their product counts in millionths of micro dollars. */
const MICRO = 1_000_000n;

export interface NodeCost {
  readonly pricing: Pricing;
  readonly resources: Resources;
  readonly publicIps: number;
  readonly certified: boolean;
  /** What the node's farm asks for; absent: the ledger's prices. */
  readonly terms?: FarmTerms | undefined;
}

export function nodeCostPerHour(options: NodeCost): bigint {
  const { pricing, resources, publicIps, certified, terms = LEDGER_TERMS } = options;
  const { cuMicro, suMicro } = cloudUnits(resources);
  const compute = cuMicro * BigInt(pricing.cuMicroUsdPerHour) + suMicro * BigInt(pricing.suMicroUsdPerHour);
  const addresses = BigInt(publicIps) * BigInt(pricing.ipv4MicroUsdPerHour) * MICRO;
  const percent = 100n + (certified ? BigInt(pricing.certifiedPercent) : 0n);
  const asked = compute * BigInt(terms.computePercent) + addresses * BigInt(terms.ipv4Percent);
  return toUnits(asked * percent, 10_000n * MICRO, pricing);
}

/** All of a node's resources, less the discount for taking it as a whole. */
export function rentCostPerHour(options: {
  readonly pricing: Pricing;
  readonly total: Resources;
  readonly certified: boolean;
  /** The ledger's own, which holds when the farm names none. */
  readonly discountPercent: number;
  readonly terms?: FarmTerms | undefined;
}): bigint {
  const { pricing, total, certified, terms = LEDGER_TERMS } = options;
  const discountPercent = terms.rentDiscountPercent ?? options.discountPercent;
  const { cuMicro, suMicro } = cloudUnits(total);
  const compute = cuMicro * BigInt(pricing.cuMicroUsdPerHour) + suMicro * BigInt(pricing.suMicroUsdPerHour);
  const percent = (100n + (certified ? BigInt(pricing.certifiedPercent) : 0n)) * BigInt(100 - discountPercent);
  return toUnits(compute * BigInt(terms.computePercent) * percent, 1_000_000n * MICRO, pricing);
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
