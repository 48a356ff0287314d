/** The numbers of the ledger's modules: set at genesis, changed by governance within declared ranges (runtime/governance/parameters.ts). */
import { type Infer, s } from "@tfgrid/primitives";
import { accountId } from "./entities.ts";

export const POLICY_LIMITS = {
  /** Levels of stake: their numbers are parameters one by one. */
  stakeLevels: 8,
} as const;

/** Commitments that a twin can choose from; each is a lock and, as long as the money covers that much spend, a discount. */
export const stakeLevel = s.struct({
  /** Half months of lock, and of the twin's total spend that the stake must cover. */
  halfMonths: s.uint({ min: 1, max: 120 }),
  discountPercent: s.uint({ max: 90 }),
});

const numbers = {
  stake: s.struct({ monthMs: s.uint({ min: 1_000 }), levels: s.list(stakeLevel, { max: POLICY_LIMITS.stakeLevels, min: 1 }) }),
  /** Who gets billed TFT, in percent; the validators' pool takes the rest, also of rounding. */
  split: s.struct({ farmerPercent: s.uint({ max: 100 }), foundationPercent: s.uint({ max: 100 }), nameFoundationPercent: s.uint({ max: 100 }) }),
  /** Off the price of all resources when a node is rented as a whole. */
  rentDiscountPercent: s.uint({ max: 100 }),
  /** Public traffic that a node may claim for one contract: bounds what a lying node can bill. */
  usageMaxBytesPerSecond: s.uint(),
  price: s.struct({
    /** Fresh prices needed for a median. */
    minFeeders: s.uint({ min: 1, max: 64 }),
    /** A feeder's word counts this long. */
    freshMs: s.uint({ min: 1_000 }),
    /** The price moves at most once in this time... */
    stepMs: s.uint({ min: 1_000 }),
    /** ...and at most by this much. */
    maxStepPercent: s.uint({ min: 1, max: 50 }),
    minMicroUsd: s.uint({ min: 1 }),
    maxMicroUsd: s.uint({ min: 1 }),
  }),
  /** Per period: thousandths of a US dollar for one cloud unit, 10^9 bytes of public traffic, an hour of a public address. */
  rewards: s.struct({
    periodMs: s.uint({ min: 10_000 }),
    cuMilliUsd: s.uint(),
    suMilliUsd: s.uint(),
    nuMilliUsdPerGb: s.uint(),
    ipv4MilliUsdPerHour: s.uint(),
    certifiedPercent: s.uint({ max: 400 }),
    minUptimePermille: s.uint({ max: 1_000 }),
    certifiedMinUptimePermille: s.uint({ max: 1_000 }),
    /** Price of 1 TFT that is frozen into a node when it registers. */
    connectionMicroUsd: s.uint({ min: 1 }),
    supplyCapUnits: s.units(),
    /** Certifiers that must have seen a violation before it costs the period's reward. */
    violationWitnesses: s.uint({ min: 1, max: 16 }),
  }),
  governance: s.struct({
    votingMs: s.uint({ min: 1_000 }),
    timeLockMs: s.uint({ min: 1_000 }),
    quorumPercent: s.uint({ min: 1, max: 100 }),
    vetoPercent: s.uint({ min: 1, max: 100 }),
    /** Different twins that must be in favour: never one, so that no single key passes anything. */
    minVoters: s.uint({ min: 2, max: 100 }),
    depositUnits: s.units(),
    /** A node's capacity votes once it has proven this much time. */
    provenMs: s.uint(),
  }),
  reputation: s.struct({
    halfLifeMs: s.uint({ min: 1_000 }),
    /** Evidence of time is gathered this often. */
    evidenceMs: s.uint({ min: 1_000 }),
    /** Maintenance counts as announced when its notice came this long before. */
    noticeMs: s.uint(),
  }),
  fee: s.struct({
    /** Bytes of paid transactions in a block above which the fee rises, below which it falls. */
    targetBlockBytes: s.uint({ min: 1_024 }),
    /** A full block (twice the target) doubles the fee in this time. */
    doublingMs: s.uint({ min: 1_000 }),
    maxMultiplierPermille: s.uint({ min: 1_000, max: 1_000_000 }),
  }),
} as const;

/** Within which farms set their own prices, in percent of the ledger's. Counts for what farms set from then on. */
const farmPricing = s.struct({
  minPercent: s.uint({ min: 1, max: 100 }),
  maxPercent: s.uint({ min: 100, max: 1_000 }),
  maxRentDiscountPercent: s.uint({ max: 100 }),
  /** A farm becomes dearer only so long after it said so. */
  noticeMs: s.uint(),
});

/** A node that sleeps by its farmer's wish counts as proven up when both hold, else as down. */
const power = s.struct({
  /** It slept no longer than this. */
  maxSleepMs: s.uint({ min: 1_000 }),
  /** It was heard this soon after it was wanted on. */
  wakeMs: s.uint({ min: 1_000 }),
});

/** As a genesis gives it and the state holds it: numbers that came later may be missing. */
export const givenPolicy = s.struct({ ...numbers, farmPricing: s.optional(farmPricing), power: s.optional(power) });
/** As the ledger answers it: whole. */
export const policy = s.struct({ ...numbers, farmPricing, power });
export type Policy = Infer<typeof policy>;

export const terms = s.struct({ version: s.uint({ min: 1 }), document: s.cid });
export const osRelease = s.struct({ version: s.text({ minLength: 1, maxLength: 32 }), document: s.cid });
export const upgrade = s.struct({
  stateVersion: s.uint({ min: 1 }),
  /** The first block that is carried out by the new version. */
  atHeight: s.uint({ min: 1 }),
  /** The release to install before. */
  release: s.optional(osRelease.fields.version),
});

/** Who holds which office, and what governance decided beside numbers. Accounts, so that a genesis can name them. */
export const charter = s.struct({
  certifiers: s.list(accountId, { max: 64 }),
  feeders: s.list(accountId, { max: 64 }),
  osRelease: s.nullable(osRelease),
  /** Null: none need be accepted. */
  terms: s.nullable(terms),
  upgrade: s.nullable(upgrade),
});
export type Charter = Infer<typeof charter>;
