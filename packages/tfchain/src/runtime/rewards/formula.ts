/** The public formula of farming rewards. Exact until its one rounding: down, to a whole unit. */
import type { Policy } from "../../types/policy.ts";

export interface RewardBasis {
  readonly rewards: Policy["rewards"];
  readonly cuMicro: bigint;
  readonly suMicro: bigint;
  readonly provenMs: number;
  readonly publicBytes: number;
  readonly ipv4Ms: number;
  readonly certified: boolean;
  /** Millionths of a US dollar for 1 TFT, frozen when the node registered. */
  readonly connectionMicroUsd: number;
}

/**
 * (CU x cu + SU x su) x proven / period + 10^9 bytes x nu + hours x ipv4, in thousandths of a dollar; certified more by its
 * percentage; divided by the price of TFT. 18,000 is the common denominator of bytes per thousand and of hours in ms.
 */
export function rewardUnits(basis: RewardBasis): bigint {
  const { rewards, provenMs, publicBytes, ipv4Ms, connectionMicroUsd } = basis;
  const periodMs = BigInt(rewards.periodMs);
  const capacity = basis.cuMicro * BigInt(rewards.cuMilliUsd) + basis.suMicro * BigInt(rewards.suMilliUsd);
  const used = BigInt(publicBytes) * BigInt(rewards.nuMilliUsdPerGb) * 18n + BigInt(ipv4Ms) * BigInt(rewards.ipv4MilliUsdPerHour) * 5_000n;
  const numerator = capacity * BigInt(provenMs) * 18_000n + used * periodMs;
  const percent = 100n + (basis.certified ? BigInt(rewards.certifiedPercent) : 0n);
  return (numerator * percent) / (periodMs * 180n * BigInt(connectionMicroUsd));
}
