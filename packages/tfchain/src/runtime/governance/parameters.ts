/**
 * Every number that governance may change, with the range in which it may. A range is part of the ledger's rules: no vote,
 * however large, leads out of it.
 */
import { runtimeErrors } from "../../errors.ts";
import type { Params, Pricing } from "../../types/entities.ts";
import type { Parameter } from "../../types/governance.ts";
import { POLICY_LIMITS, type Policy } from "../../types/policy.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { paramsCell, readParams } from "../params/store.ts";
import { policyCell, readPolicy } from "../policy/store.ts";
import { pricingCell, readPricing } from "../pricing/store.ts";

interface Rule {
  /** Without it: always. */
  readonly exists?: (state: StateReader) => boolean;
  readonly min: number;
  readonly max: number;
  readonly read: (state: StateReader) => number;
  readonly write: (state: StateWriter, value: number) => void;
}

type Range = readonly [min: number, max: number];
type NumberKey<T> = { [K in keyof T]: T[K] extends number ? K : never }[keyof T];
type MoneyKey<T> = { [K in keyof T]: T[K] extends bigint ? K : never }[keyof T];

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** 10 TFT. */
const TEN_TFT = 100_000_000;

const ofParams = (key: NumberKey<Params>, [min, max]: Range): Rule => ({
  min,
  max,
  read: (state) => readParams(state)[key],
  write: (state, value) => paramsCell.put(state, { ...readParams(state), [key]: value }),
});
const ofFees = (key: MoneyKey<Params>, [min, max]: Range): Rule => ({
  min,
  max,
  read: (state) => Number(readParams(state)[key]),
  write: (state, value) => paramsCell.put(state, { ...readParams(state), [key]: BigInt(value) }),
});
const ofPricing = (key: NumberKey<Pricing>, [min, max]: Range): Rule => ({
  min,
  max,
  read: (state) => readPricing(state)[key],
  write: (state, value) => pricingCell.put(state, { ...readPricing(state), [key]: value }),
});
const ofPolicy = (key: NumberKey<Policy>, [min, max]: Range): Rule => ({
  min,
  max,
  read: (state) => readPolicy(state)[key],
  write: (state, value) => policyCell.put(state, { ...readPolicy(state), [key]: value }),
});
function ofSection<S extends "split" | "farmPricing" | "power" | "price" | "rewards" | "governance" | "reputation" | "fee">(section: S) {
  return (key: NumberKey<Policy[S]> & string, [min, max]: Range): Rule => ({
    min,
    max,
    read: (state) => readPolicy(state)[section][key] as number,
    write: (state, value) => {
      const policy = readPolicy(state);
      policyCell.put(state, { ...policy, [section]: { ...policy[section], [key]: value } });
    },
  });
}
const [split, farmPricing, power, price, rewards, governance, reputation, fee] = [
  ofSection("split"),
  ofSection("farmPricing"),
  ofSection("power"),
  ofSection("price"),
  ofSection("rewards"),
  ofSection("governance"),
  ofSection("reputation"),
  ofSection("fee"),
];

const isLevel = (policy: Policy, index: number): boolean => policy.stake.levels[index] !== undefined;
/** A number of one stake level. Levels that the genesis did not set up stay away: their number is part of what twins chose by. */
function ofLevel(index: number, key: keyof Policy["stake"]["levels"][number], [min, max]: Range): Rule {
  return {
    min,
    max,
    exists: (state) => isLevel(readPolicy(state), index),
    read: (state) => readPolicy(state).stake.levels[index]?.[key] ?? 0,
    write: (state, value) => {
      const policy = readPolicy(state);
      const levels = policy.stake.levels.map((level, at) => (at === index ? { ...level, [key]: value } : level));
      policyCell.put(state, { ...policy, stake: { ...policy.stake, levels } });
    },
  };
}
const stakeLevels = (): Readonly<Record<string, Rule>> =>
  Object.fromEntries(
    Array.from({ length: POLICY_LIMITS.stakeLevels }, (_, index) => index).flatMap((index) => [
      [`stake.levels.${index}.halfMonths`, ofLevel(index, "halfMonths", [1, 120])],
      [`stake.levels.${index}.discountPercent`, ofLevel(index, "discountPercent", [0, 80])],
    ]),
  );

const RULES: Readonly<Record<string, Rule>> = {
  "params.feeBaseUnits": ofFees("feeBaseUnits", [0, TEN_TFT]),
  "params.feePerByteUnits": ofFees("feePerByteUnits", [0, 10_000]),
  "params.heartbeatIntervalMs": ofParams("heartbeatIntervalMs", [SECOND, HOUR]),
  "params.settlementIntervalMs": ofParams("settlementIntervalMs", [SECOND, DAY]),
  "params.graceMs": ofParams("graceMs", [MINUTE, 30 * DAY]),
  "params.reportsPerMinute": ofParams("reportsPerMinute", [1, 10_000]),
  "params.maxTxBytes": ofParams("maxTxBytes", [16 * 1024, 512 * 1024]),
  "params.maxCallsPerTx": ofParams("maxCallsPerTx", [16, 256]),
  "pricing.cuMicroUsdPerHour": ofPricing("cuMicroUsdPerHour", [100, 1_000_000]),
  "pricing.suMicroUsdPerHour": ofPricing("suMicroUsdPerHour", [100, 1_000_000]),
  "pricing.nuMicroUsdPerGb": ofPricing("nuMicroUsdPerGb", [0, 1_000_000]),
  "pricing.ipv4MicroUsdPerHour": ofPricing("ipv4MicroUsdPerHour", [0, 1_000_000]),
  "pricing.nameMicroUsdPerHour": ofPricing("nameMicroUsdPerHour", [0, 1_000_000]),
  "pricing.certifiedPercent": ofPricing("certifiedPercent", [0, 100]),
  "policy.rentDiscountPercent": ofPolicy("rentDiscountPercent", [0, 80]),
  "policy.usageMaxBytesPerSecond": ofPolicy("usageMaxBytesPerSecond", [0, 12_500_000_000]),
  "split.farmerPercent": split("farmerPercent", [25, 95]),
  "split.foundationPercent": split("foundationPercent", [0, 60]),
  "split.nameFoundationPercent": split("nameFoundationPercent", [0, 95]),
  "farmPricing.minPercent": farmPricing("minPercent", [10, 100]),
  "farmPricing.maxPercent": farmPricing("maxPercent", [100, 500]),
  "farmPricing.maxRentDiscountPercent": farmPricing("maxRentDiscountPercent", [0, 90]),
  "farmPricing.noticeMs": farmPricing("noticeMs", [MINUTE, 30 * DAY]),
  "power.maxSleepMs": power("maxSleepMs", [MINUTE, 7 * DAY]),
  "power.wakeMs": power("wakeMs", [MINUTE, 2 * HOUR]),
  "price.minFeeders": price("minFeeders", [1, 64]),
  "price.freshMs": price("freshMs", [10 * SECOND, DAY]),
  "price.stepMs": price("stepMs", [SECOND, DAY]),
  "price.maxStepPercent": price("maxStepPercent", [1, 20]),
  "price.minMicroUsd": price("minMicroUsd", [1, 100_000]),
  "price.maxMicroUsd": price("maxMicroUsd", [100_000, 1_000_000_000]),
  "rewards.cuMilliUsd": rewards("cuMilliUsd", [0, 10_000]),
  "rewards.suMilliUsd": rewards("suMilliUsd", [0, 10_000]),
  "rewards.nuMilliUsdPerGb": rewards("nuMilliUsdPerGb", [0, 100]),
  "rewards.ipv4MilliUsdPerHour": rewards("ipv4MilliUsdPerHour", [0, 50]),
  "rewards.certifiedPercent": rewards("certifiedPercent", [0, 100]),
  "rewards.minUptimePermille": rewards("minUptimePermille", [500, 1_000]),
  "rewards.certifiedMinUptimePermille": rewards("certifiedMinUptimePermille", [500, 1_000]),
  "rewards.connectionMicroUsd": rewards("connectionMicroUsd", [1_000, 10_000_000]),
  "rewards.violationWitnesses": rewards("violationWitnesses", [1, 16]),
  "governance.votingMs": governance("votingMs", [MINUTE, 60 * DAY]),
  "governance.timeLockMs": governance("timeLockMs", [MINUTE, 60 * DAY]),
  "governance.quorumPercent": governance("quorumPercent", [5, 60]),
  "governance.vetoPercent": governance("vetoPercent", [10, 60]),
  "governance.minVoters": governance("minVoters", [2, 50]),
  "governance.provenMs": governance("provenMs", [0, 90 * DAY]),
  "governance.depositUnits": {
    min: 0,
    max: 10_000 * TEN_TFT,
    read: (state) => Number(readPolicy(state).governance.depositUnits),
    write: (state, value) => {
      const policy = readPolicy(state);
      policyCell.put(state, { ...policy, governance: { ...policy.governance, depositUnits: BigInt(value) } });
    },
  },
  ...stakeLevels(),
  "reputation.halfLifeMs": reputation("halfLifeMs", [DAY, 365 * DAY]),
  "reputation.evidenceMs": reputation("evidenceMs", [MINUTE, 7 * DAY]),
  "reputation.noticeMs": reputation("noticeMs", [0, 30 * DAY]),
  "fee.targetBlockBytes": fee("targetBlockBytes", [64 * 1024, 8 * 1024 * 1024]),
  "fee.doublingMs": fee("doublingMs", [5 * SECOND, DAY]),
  "fee.maxMultiplierPermille": fee("maxMultiplierPermille", [1_000, 1_000_000]),
};

/** @throws GridError governance.unknown_parameter, governance.out_of_range */
export function requireInRange(state: StateReader, name: string, value: number): Rule {
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
  if (rule === undefined || rule.exists?.(state) === false) throw runtimeErrors.fail("governance.unknown_parameter", { details: { name } });
  if (value >= rule.min && value <= rule.max) return rule;
  const message = `${name} may be ${rule.min} to ${rule.max}, not ${value}.`;
  throw runtimeErrors.fail("governance.out_of_range", { message, details: { name, value, min: rule.min, max: rule.max } });
}

export const listParameters = (state: StateReader): Parameter[] =>
  Object.entries(RULES)
    .filter(([, { exists }]) => exists?.(state) !== false)
    .map(([name, { min, max, read }]) => ({ name, value: read(state), min, max }));

/** What no range of one number can say. @throws GridError governance.out_of_range */
export function requireConsistent(state: StateReader): void {
  const { split: shares, price: bounds } = readPolicy(state);
  const wrong =
    shares.farmerPercent + shares.foundationPercent > 100
      ? "farmer and foundation would get more than all"
      : bounds.minMicroUsd > bounds.maxMicroUsd
        ? "the lowest price would be above the highest"
        : undefined;
  if (wrong !== undefined) throw runtimeErrors.fail("governance.out_of_range", { message: `Refused: ${wrong}.` });
}
