/** From evidence to one number. The same formula for nodes, farms and twins; what there is no evidence of stays neutral. */
import { UNITS_PER_TFT } from "@tfgrid/primitives";
import type { Reputation, Standing } from "../../types/merit.ts";
import type { StateReader } from "../api.ts";
import { readPolicy } from "../policy/store.ts";
import { NO_STANDING, fade } from "./fade.ts";
import { type Subject, standings, subjectKey } from "./store.ts";

/** Money that must have been at work before it says more than the neutral half. */
const PRIOR_UNITS = 100n * UNITS_PER_TFT;
/** Intervals of evidence of time, likewise. */
const PRIOR_INTERVALS = 10;
const NEUTRAL = 500n;
const FULL = 1_000n;
/** Out of ten: time, contracts, reviews. */
const WEIGHTS = { time: 5n, work: 3n, reviews: 2n } as const;
/** Off the score for one violation, one dispute that was lost, and one drain that came without notice. */
const VIOLATION = 100n;
const DISPUTE = 50n;
const UNANNOUNCED = 10n;

/** Good among all, with `prior` of neutral evidence mixed in; rounded down. */
const ratio = (good: bigint, bad: bigint, prior: bigint): bigint => (good * FULL + prior * NEUTRAL) / (good + bad + prior);
const known = (total: bigint, prior: bigint): bigint => (total * FULL) / (total + prior);

export function scoreOf(evidence: Standing, evidenceMs: number): Reputation {
  const priorMs = BigInt(PRIOR_INTERVALS * evidenceMs);
  // Announced downtime weighs a quarter.
  const [up, down] = [BigInt(evidence.upMs), BigInt(evidence.downMs) + BigInt(evidence.announcedDownMs) / 4n];
  const { fulfilledUnits, failedUnits, reviewedUnits, praisedUnits } = evidence;
  const weigh = (time: bigint, work: bigint, reviews: bigint): bigint =>
    (WEIGHTS.time * time + WEIGHTS.work * work + WEIGHTS.reviews * reviews) / 10n;
  const base = weigh(
    ratio(up, down, priorMs),
    ratio(fulfilledUnits, failedUnits, PRIOR_UNITS),
    ratio(praisedUnits, reviewedUnits - praisedUnits, PRIOR_UNITS),
  );
  const off = (BigInt(evidence.violationsMilli) * VIOLATION + BigInt(evidence.disputesMilli) * DISPUTE + BigInt(evidence.unannouncedMilli) * UNANNOUNCED) / 1_000n;
  const confidence = weigh(known(up + down, priorMs), known(fulfilledUnits + failedUnits, PRIOR_UNITS), known(reviewedUnits, PRIOR_UNITS));
  return { score: Number(off >= base ? 0n : base - off), confidence: Number(confidence), evidence };
}

export function reputationOf(state: StateReader, subject: Subject, nowMs: number): Reputation {
  const row = standings.get(state, subjectKey(subject)) ?? NO_STANDING;
  return scoreOf(fade(state, row, nowMs), readPolicy(state).reputation.evidenceMs);
}
