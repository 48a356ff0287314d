/** The modules' numbers: the main network's, and the same rules with times short enough to watch. */
import { UNITS_PER_TFT } from "@tfgrid/primitives";
import type { Charter, Policy } from "../../types/policy.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const MAIN_POLICY: Policy = {
  stake: {
    /** 720 hours, as prices per month are meant. */
    monthMs: 30 * DAY,
    levels: [
      { halfMonths: 3, discountPercent: 20 },
      { halfMonths: 6, discountPercent: 30 },
      { halfMonths: 12, discountPercent: 40 },
      { halfMonths: 36, discountPercent: 60 },
    ],
  },
  split: { farmerPercent: 50, foundationPercent: 40, nameFoundationPercent: 90 },
  rentDiscountPercent: 50,
  farmPricing: { minPercent: 50, maxPercent: 200, maxRentDiscountPercent: 80, noticeMs: 72 * HOUR },
  power: { maxSleepMs: DAY, wakeMs: 30 * MINUTE },
  /** 1 Gbit/s. */
  usageMaxBytesPerSecond: 125_000_000,
  price: { minFeeders: 3, freshMs: HOUR, stepMs: 10 * MINUTE, maxStepPercent: 5, minMicroUsd: 1_000, maxMicroUsd: 10_000_000 },
  rewards: {
    periodMs: 2_630_880 * SECOND,
    cuMilliUsd: 2_400,
    suMilliUsd: 1_000,
    nuMilliUsdPerGb: 30,
    ipv4MilliUsdPerHour: 5,
    certifiedPercent: 25,
    minUptimePermille: 950,
    certifiedMinUptimePermille: 980,
    connectionMicroUsd: 80_000,
    supplyCapUnits: 1_000_000_000n * UNITS_PER_TFT,
    violationWitnesses: 2,
  },
  governance: {
    votingMs: 7 * DAY,
    timeLockMs: 3 * DAY,
    quorumPercent: 20,
    vetoPercent: 34,
    minVoters: 3,
    depositUnits: 1_000n * UNITS_PER_TFT,
    provenMs: 7 * DAY,
  },
  reputation: { halfLifeMs: 30 * DAY, evidenceMs: DAY, noticeMs: 72 * HOUR },
  fee: { targetBlockBytes: 2 * 1024 * 1024, doublingMs: MINUTE, maxMultiplierPermille: 100_000 },
};

export const LOCAL_POLICY: Policy = {
  ...MAIN_POLICY,
  stake: { ...MAIN_POLICY.stake, monthMs: 10 * MINUTE },
  farmPricing: { ...MAIN_POLICY.farmPricing, noticeMs: MINUTE },
  power: { maxSleepMs: 10 * MINUTE, wakeMs: MINUTE },
  price: { ...MAIN_POLICY.price, freshMs: 5 * MINUTE, stepMs: 10 * SECOND },
  rewards: { ...MAIN_POLICY.rewards, periodMs: HOUR },
  governance: { ...MAIN_POLICY.governance, votingMs: 2 * MINUTE, timeLockMs: MINUTE, minVoters: 2, depositUnits: 10n * UNITS_PER_TFT, provenMs: MINUTE },
  reputation: { halfLifeMs: DAY, evidenceMs: MINUTE, noticeMs: MINUTE },
};

export const NO_CHARTER: Charter = { certifiers: [], feeders: [], osRelease: null, terms: null, upgrade: null };
