/** What happened, in order, block by block. Events are hints: whoever acts on one reads the state first. */
import { type Infer, s } from "@tfgrid/primitives";
import * as e from "./entities.ts";
import * as g from "./governance.ts";
import * as l from "./ledger.ts";
import * as m from "./merit.ts";
import { MISBEHAVIOUR_KINDS, validatorAddress } from "./validators.ts";
import { failedWork } from "./work.ts";

export const event = s.union({
  "accounts.transferred": s.struct({ from: e.accountId, to: e.accountId, amountUnits: s.units() }),
  "accounts.staked": s.struct({ twinId: e.twinId, amountUnits: s.units(), level: s.uint(), unlocksAtMs: e.timeMs }),
  "accounts.unstaked": s.struct({ twinId: e.twinId, amountUnits: s.units() }),
  "accounts.burned": s.struct({ account: e.accountId, amountUnits: s.units() }),
  "twins.created": s.struct({ twinId: e.twinId, account: e.accountId }),
  "twins.updated": s.struct({ twinId: e.twinId }),
  /** The twin is another key's from now on. */
  "twins.moved": s.struct({ twinId: e.twinId, from: e.accountId, to: e.accountId, cause: s.oneOf(["key_rotated", "transferred"]) }),
  "twins.offered": s.struct({ twinId: e.twinId, to: s.nullable(e.accountId) }),
  "twins.closed": s.struct({ twinId: e.twinId, account: e.accountId }),
  "twins.terms_accepted": s.struct({ twinId: e.twinId, version: s.uint() }),
  "farms.created": s.struct({ farmId: e.farmId, twinId: e.twinId, name: e.label }),
  "farms.updated": s.struct({ farmId: e.farmId }),
  "farms.offered": s.struct({ farmId: e.farmId, to: s.nullable(e.twinId) }),
  "farms.moved": s.struct({ farmId: e.farmId, fromTwinId: e.twinId, toTwinId: e.twinId }),
  /** What the farm asks for, and from when on. */
  "farms.priced": s.struct({ farmId: e.farmId, terms: e.farmTerms, fromMs: e.timeMs }),
  "farms.deleted": s.struct({ farmId: e.farmId }),
  "nodes.registered": s.struct({ nodeId: e.nodeId, farmId: e.farmId, twinId: e.twinId }),
  "nodes.updated": s.struct({ nodeId: e.nodeId }),
  "nodes.up": s.struct({ nodeId: e.nodeId }),
  "nodes.down": s.struct({ nodeId: e.nodeId, lastHeartbeatMs: e.timeMs }),
  "nodes.certified": s.struct({ nodeId: e.nodeId, certification: e.node.fields.certification }),
  "nodes.deleted": s.struct({ nodeId: e.nodeId, farmId: e.farmId }),
  "nodes.maintenance": s.struct({ nodeId: e.nodeId, mode: e.maintenance.fields.mode, noticeUntilMs: e.timeMs }),
  "nodes.power": s.struct({ nodeId: e.nodeId, farmId: e.farmId, target: e.power.fields.target, state: e.power.fields.state }),
  "contracts.created": s.struct({
    contractId: e.contractId,
    kind: s.oneOf(["node", "name", "rent"]),
    twinId: e.twinId,
    nodeId: e.nodeId,
    solutionId: s.nullable(e.solutionId),
  }),
  "contracts.updated": s.struct({ contractId: e.contractId, nodeId: e.nodeId, version: s.uint(), solutionId: s.nullable(e.solutionId) }),
  "contracts.reported": s.struct({
    contractId: e.contractId,
    nodeId: e.nodeId,
    version: s.uint(),
    state: s.oneOf(e.REPORT_STATES),
    solutionId: s.nullable(e.solutionId),
    code: s.optional(e.code),
    message: s.optional(e.message),
  }),
  "contracts.billed": s.struct({ contractId: e.contractId, amountUnits: s.units(), fromMs: e.timeMs, toMs: e.timeMs, downMs: s.uint(), discountPercent: s.optional(s.uint({ max: 100 })) }),
  "contracts.grace": s.struct({ contractId: e.contractId, nodeId: e.nodeId, solutionId: s.nullable(e.solutionId), untilMs: e.timeMs }),
  "contracts.resumed": s.struct({ contractId: e.contractId, nodeId: e.nodeId, solutionId: s.nullable(e.solutionId) }),
  "contracts.deleted": s.struct({
    contractId: e.contractId,
    nodeId: e.nodeId,
    solutionId: s.nullable(e.solutionId),
    cause: e.code,
    refundedUnits: s.units(),
  }),
  "solutions.created": s.struct({ solutionId: e.solutionId, twinId: e.twinId, agentTwinId: e.twinId, name: e.label }),
  "solutions.signed": s.struct({ solutionId: e.solutionId, twinId: e.twinId, version: s.uint(), weight: s.uint(), needed: s.uint() }),
  "solutions.accepted": s.struct({ solutionId: e.solutionId, agentTwinId: e.twinId, version: s.uint(), document: s.cid }),
  "solutions.state": s.struct({
    solutionId: e.solutionId,
    version: s.uint(),
    state: s.oneOf(e.SOLUTION_STATES),
    code: e.code,
    message: e.message,
  }),
  "solutions.deposited": s.struct({ solutionId: e.solutionId, amountUnits: s.units() }),
  "solutions.cancelled": s.struct({ solutionId: e.solutionId, refundedUnits: s.units(), cause: e.code }),
  "solutions.member": s.struct({ solutionId: e.solutionId, name: e.label, joined: s.bool }),
  "services.created": s.struct({ serviceId: l.serviceId, serviceTwinId: e.twinId, consumerTwinId: e.twinId }),
  "services.updated": s.struct({ serviceId: l.serviceId, version: s.uint() }),
  "services.agreed": s.struct({ serviceId: l.serviceId }),
  "services.billed": s.struct({
    serviceId: l.serviceId,
    baseUnits: s.units(),
    variableUnits: s.units(),
    /** What was paid: less than both together when the deposit ran out. */
    amountUnits: s.units(),
    fromMs: e.timeMs,
    toMs: e.timeMs,
  }),
  "services.ended": s.struct({ serviceId: l.serviceId, cause: e.code, refundedUnits: s.units() }),
  "governance.proposed": s.struct({ proposalId: g.proposalId, twinId: e.twinId, change: s.text({ maxLength: 32 }), endsAtMs: e.timeMs }),
  "governance.voted": s.struct({ proposalId: g.proposalId, twinId: e.twinId, farmId: s.nullable(e.farmId), approve: s.bool, power: s.uint() }),
  "governance.vetoed": s.struct({ proposalId: g.proposalId, twinId: e.twinId, farmId: s.nullable(e.farmId), power: s.uint() }),
  "governance.closed": s.struct({
    proposalId: g.proposalId,
    state: g.proposal.fields.state,
    ayes: s.uint(),
    nays: s.uint(),
    executesAtMs: e.timeMs,
  }),
  /** All blocks after this one, and its own transactions, follow the new version. */
  "governance.upgraded": s.struct({ stateVersion: s.uint({ min: 1 }) }),
  "pricing.moved": s.struct({ tftPriceMicroUsd: s.uint(), medianMicroUsd: s.uint() }),
  "rewards.settled": s.struct({
    nodeId: e.nodeId,
    farmId: e.farmId,
    account: e.accountId,
    period: s.uint(),
    outcome: m.rewardReceipt.fields.outcome,
    amountUnits: s.units(),
  }),
  "nodes.violation": s.struct({ nodeId: e.nodeId, code: e.code, witnesses: s.uint() }),
  "reputation.reviewed": s.struct({ contractId: e.contractId, nodeId: e.nodeId, twinId: e.twinId, score: s.uint(), weightUnits: s.units() }),
  "reputation.disputed": s.struct({ disputeId: m.disputeId, contractId: e.contractId, nodeId: e.nodeId, twinId: e.twinId }),
  "reputation.resolved": s.struct({ disputeId: m.disputeId, contractId: e.contractId, nodeId: e.nodeId, upheld: s.bool }),
  "validators.changed": s.struct({ version: s.uint(), validators: s.uint(), totalPower: s.uint() }),
  "validators.misbehaved": s.struct({
    id: s.uint(),
    kind: s.oneOf(MISBEHAVIOUR_KINDS),
    address: validatorAddress,
    publicKey: s.nullable(e.accountId),
    /** Of the offence. */
    height: e.height,
  }),
  /** A bug of the ledger: nothing of this work happened, and it is tried again. */
  "work.failed": s.struct({
    id: failedWork.fields.id,
    kind: failedWork.fields.kind,
    subject: s.uint(),
    reason: failedWork.fields.reason,
    failures: s.uint(),
    retryAtMs: e.timeMs,
  }),
  "work.recovered": s.struct({ id: failedWork.fields.id, kind: failedWork.fields.kind, subject: s.uint(), failures: s.uint() }),
  "notary.anchored": s.struct({
    document: s.cid,
    author: e.twinId,
    contractId: s.nullable(e.contractId),
    solutionId: s.nullable(e.solutionId),
  }),
});
export type ChainEvent = Infer<typeof event>;
export type EventType = ChainEvent["type"];

/** All events of one block: what `events.follow` delivers. Blocks without events are not sent, except as `heartbeat`s. */
export const eventBlock = s.struct({ height: e.height, timeMs: e.timeMs, events: s.list(event, { max: 1_000_000 }) });
export type EventBlock = Infer<typeof eventBlock>;
