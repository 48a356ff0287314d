/** Old evidence fades: to one half in `policy.reputation.halfLifeMs`, in thirty steps. Integers only, so that every machine agrees. */
import type { Standing } from "../../types/merit.ts";
import type { StateReader } from "../api.ts";
import { readPolicy } from "../policy/store.ts";

/** Steps of one half-life: a day each when it is 30 days. */
const STEPS = 30;
/** floor(2^32 x 2^(-i/30)) */
const FACTORS: readonly bigint[] = [4_294_967_296n, 4_196_870_107n, 4_101_013_461n, 4_007_346_184n, 3_915_818_271n, 3_826_380_858n, 3_738_986_198n, 3_653_587_636n, 3_570_139_579n, 3_488_597_478n, 3_408_917_801n, 3_331_058_011n, 3_254_976_541n, 3_180_632_774n, 3_107_987_021n, 3_037_000_499n, 2_967_635_312n, 2_899_854_428n, 2_833_621_661n, 2_768_901_653n, 2_705_659_852n, 2_643_862_495n, 2_583_476_593n, 2_524_469_906n, 2_466_810_933n, 2_410_468_894n, 2_355_413_708n, 2_301_615_985n, 2_249_047_003n, 2_197_678_698n];

export const NO_STANDING: Standing = {
  upMs: 0,
  downMs: 0,
  announcedDownMs: 0,
  fulfilledUnits: 0n,
  failedUnits: 0n,
  reviewedUnits: 0n,
  praisedUnits: 0n,
  announcedMilli: 0,
  unannouncedMilli: 0,
  violationsMilli: 0,
  disputesMilli: 0,
  fadedToMs: 0,
};

/** Rounded down. */
export function fadeBy(value: bigint, steps: number): bigint {
  const halvings = Math.floor(steps / STEPS);
  // Beyond 2^64 of fading nothing is left of any number that can be stored.
  if (halvings >= 64) return 0n;
  return (value * (FACTORS[steps % STEPS] ?? 0n)) >> BigInt(32 + halvings);
}

export function fade(state: StateReader, row: Standing, nowMs: number): Standing {
  // Counted from where the evidence stands: a half-life that governance changes fades what comes, not what was.
  const stepMs = Math.floor(readPolicy(state).reputation.halfLifeMs / STEPS);
  const fadedToMs = nowMs - (nowMs % stepMs);
  const age = Math.floor((fadedToMs - row.fadedToMs) / stepMs);
  if (age <= 0) return row.fadedToMs === 0 ? { ...row, fadedToMs } : row;
  const number = (value: number): number => Number(fadeBy(BigInt(value), age));
  return {
    upMs: number(row.upMs),
    downMs: number(row.downMs),
    announcedDownMs: number(row.announcedDownMs),
    fulfilledUnits: fadeBy(row.fulfilledUnits, age),
    failedUnits: fadeBy(row.failedUnits, age),
    reviewedUnits: fadeBy(row.reviewedUnits, age),
    praisedUnits: fadeBy(row.praisedUnits, age),
    announcedMilli: number(row.announcedMilli),
    unannouncedMilli: number(row.unannouncedMilli),
    violationsMilli: number(row.violationsMilli),
    disputesMilli: number(row.disputesMilli),
    fadedToMs: row.fadedToMs + age * stepMs,
  };
}
