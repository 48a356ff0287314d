/** What farmers earn and what twins, nodes and farms are worth to others. */
import { type Brand, type Infer, s } from "@tfgrid/primitives";
import * as e from "./entities.ts";

/** One node, one period: every figure that the amount was worked out from. */
export const rewardReceipt = s.struct({
  nodeId: e.nodeId,
  farmId: e.farmId,
  account: e.accountId,
  period: s.uint(),
  fromMs: e.timeMs,
  toMs: e.timeMs,
  /** Time that heartbeats vouch for. */
  provenMs: s.uint(),
  uptimePermille: s.uint(),
  /** The least that the node had in the period. */
  cuMicro: s.units(),
  suMicro: s.units(),
  publicBytes: s.uint(),
  /** Addresses times time. */
  ipv4Ms: s.uint(),
  certified: s.bool,
  connectionMicroUsd: s.uint(),
  /** `paid`, `low_uptime`, `violation`, `supply_cap` (paid in part or not at all). */
  outcome: s.oneOf(["paid", "low_uptime", "violation", "supply_cap"]),
  amountUnits: s.units(),
});
export type RewardReceipt = Infer<typeof rewardReceipt>;

/** Evidence about one subject, faded by its age. Counts in thousandths, so that they fade smoothly. */
export const standing = s.struct({
  upMs: s.uint(),
  downMs: s.uint(),
  /** Down while an announced maintenance lasted. */
  announcedDownMs: s.uint(),
  /** Paid for contracts that ended well... */
  fulfilledUnits: s.units(),
  /** ...and at stake in those that did not. */
  failedUnits: s.units(),
  reviewedUnits: s.units(),
  /** The part of it that reviewers were content with. */
  praisedUnits: s.units(),
  announcedMilli: s.uint(),
  unannouncedMilli: s.uint(),
  violationsMilli: s.uint(),
  /** Lost: by a node and its farm, or by who complained. */
  disputesMilli: s.uint(),
  /** Up to when it is faded, in whole steps. */
  fadedToMs: e.timeMs,
});
export type Standing = Infer<typeof standing>;

export const reputation = s.struct({
  /** 0 to 1,000; 500 says nothing. */
  score: s.uint({ max: 1_000 }),
  /** 0 to 1,000: how much evidence stands behind it. */
  confidence: s.uint({ max: 1_000 }),
  evidence: standing,
});
export type Reputation = Infer<typeof reputation>;

/** Without the evidence: for lists. */
export const nodeReputation = s.struct({ nodeId: e.nodeId, score: reputation.fields.score, confidence: reputation.fields.confidence });
export type NodeReputation = Infer<typeof nodeReputation>;

export type DisputeId = Brand<number, "DisputeId">;
export const disputeId = s.as<DisputeId>(s.uint({ min: 1 }));
/** A complaint of who paid, decided by certifiers. */
export const dispute = s.struct({
  id: disputeId,
  contractId: e.contractId,
  nodeId: e.nodeId,
  farmId: e.farmId,
  byTwinId: e.twinId,
  /** Reasons, in the digital notary. */
  document: s.nullable(s.cid),
  /** What had been paid for the contract. */
  atStakeUnits: s.units(),
  state: s.oneOf(["open", "upheld", "rejected"]),
  upheldBy: s.list(e.accountId, { max: 64 }),
  rejectedBy: s.list(e.accountId, { max: 64 }),
  openedAtMs: e.timeMs,
});
export type Dispute = Infer<typeof dispute>;

export const review = s.struct({ contractId: e.contractId, twinId: e.twinId, score: s.uint({ max: 100 }), billedUnits: s.units(), atMs: e.timeMs });
export type Review = Infer<typeof review>;
