/** Everything that a transaction can ask for. The tag is `module.action`; one batch of calls is all or nothing. */
import { type Infer, s } from "@tfgrid/primitives";
import * as e from "./entities.ts";
import * as g from "./governance.ts";
import * as l from "./ledger.ts";
import * as m from "./merit.ts";

const cancel = s.struct({ contractId: e.contractId });

/**
 * Signed by the farm's twin off chain and handed to the farmer's machines: a node joins only with it.
 * The signature covers the canonical bytes of {chainId, farmId, expiresAtMs, maxNodes} under `tfgrid/join-token/v1`.
 */
export const joinToken = s.struct({
  chainId: s.text({ maxLength: 64 }),
  farmId: e.farmId,
  expiresAtMs: e.timeMs,
  signature: s.hex({ length: 64 }),
});
export type JoinToken = Infer<typeof joinToken>;
export const joinTokenBody = s.struct({ chainId: s.text({ maxLength: 64 }), farmId: e.farmId, expiresAtMs: e.timeMs });

/** Signed by the new key under `tfgrid/rotate-key/v1`: nobody can be given a twin that he does not want. */
export const keyRotationBody = s.struct({ chainId: s.text({ maxLength: 64 }), twinId: e.twinId, account: e.accountId, expiresAtMs: e.timeMs });

export const call = s.union({
  "accounts.transfer": s.struct({ to: e.accountId, amountUnits: s.units({ min: 1n }) }),

  /** Locks more money (0: prolongs) for the time of a level; the discount lasts until it unlocks. */
  "accounts.stake": s.struct({ amountUnits: s.units(), level: s.uint({ max: 7 }) }),
  /** All of it, once it has unlocked. */
  "accounts.unstake": s.struct({}),
  /** Takes money of the signer out of the world. */
  "accounts.burn": s.struct({ amountUnits: s.units({ min: 1n }) }),

  "twins.create": s.struct({ relays: e.twin.fields.relays, encryptionKey: e.key32 }),
  "twins.update": s.struct({ relays: e.twin.fields.relays, encryptionKey: e.key32 }),
  /** The twin gets a new key; balance, holds and everything the twin owns go with it. */
  "twins.rotate_key": s.struct({ account: e.accountId, encryptionKey: e.key32, expiresAtMs: e.timeMs, proof: s.hex({ length: 64 }) }),
  /** Offers the twin to the holder of another key, who has no twin yet. Null withdraws the offer. */
  "twins.offer": s.struct({ to: s.nullable(e.accountId) }),
  /** By the new holder: the twin, what it owns and what is held for it are his; the free balance stays with the old key. */
  "twins.accept": s.struct({ twinId: e.twinId, relays: e.twin.fields.relays, encryptionKey: e.key32 }),
  /** Ends the twin: only when nothing depends on it any more. */
  "twins.close": s.struct({}),
  /** New contracts need the newest version. */
  "twins.accept_terms": s.struct({ version: s.uint({ min: 1 }) }),

  "farms.create": s.struct({ name: e.label, dedicated: s.bool }),
  "farms.update": s.struct({ farmId: e.farmId, name: e.label, dedicated: s.bool }),
  /** `A.B.C.D/N` or IPv6, with a gateway in the same range. */
  "farms.add_ip": s.struct({ farmId: e.farmId, ip: e.ipText, gateway: e.ipText }),
  /** Only while no contract has it. */
  "farms.remove_ip": s.struct({ farmId: e.farmId, ip: e.ipText }),
  /** Who gets what the farm earns; null: its twin. */
  "farms.set_payout": s.struct({ farmId: e.farmId, account: s.nullable(e.accountId) }),
  /** What its nodes cost, within `policy.farmPricing`. What is dearer in anything begins after a notice; null: the ledger's prices. */
  "farms.set_pricing": s.struct({ farmId: e.farmId, terms: s.nullable(e.farmTerms) }),
  /** Only without nodes. */
  "farms.delete": s.struct({ farmId: e.farmId }),
  /** Offers the farm with its nodes to a twin; null withdraws. */
  "farms.offer": s.struct({ farmId: e.farmId, to: s.nullable(e.twinId) }),
  "farms.accept": s.struct({ farmId: e.farmId }),
  /** By a certifier. */
  "farms.certify": s.struct({ farmId: e.farmId, certification: e.farm.fields.certification }),

  "nodes.register": s.struct({ joinToken, ...e.nodeProfile }),
  "nodes.update": s.struct({ nodeId: e.nodeId, ...e.nodeProfile }),
  "nodes.heartbeat": s.struct({ nodeId: e.nodeId, uptimeSec: s.uint() }),
  /** By the node or its farmer: without contracts, or when the notice of a drain is over. */
  "nodes.delete": s.struct({ nodeId: e.nodeId }),
  /** By a certifier. */
  "nodes.certify": s.struct({ nodeId: e.nodeId, certification: e.node.fields.certification }),
  /** By a certifier: what the node claims and what is so are not the same. */
  "nodes.report_violation": s.struct({ nodeId: e.nodeId, code: e.code }),
  /** By the farmer's twin: on or off. Off only while no contract is on the node. */
  "nodes.set_power": s.struct({ nodeId: e.nodeId, target: e.power.fields.target }),
  /** By the node, which its farmer wants off: its last word before it switches itself off. Its next heartbeat ends the sleep. */
  "nodes.sleep": s.struct({ nodeId: e.nodeId }),
  /** By the farmer's twin. */
  "nodes.set_maintenance": s.struct({ nodeId: e.nodeId, mode: e.maintenance.fields.mode, noticeUntilMs: e.timeMs }),

  /** Capacity is checked and reserved here. `solutionId`: only the solution's agent, within its budget. */
  "contracts.create_node": s.struct({
    nodeId: e.nodeId,
    solutionId: s.nullable(e.solutionId),
    /** The solution version that this part carries out: refused when it is no longer the accepted one. */
    solutionVersion: s.optional(s.uint({ min: 1 })),
    instruction: s.cid,
    resources: e.resources,
    publicIps: s.uint({ max: 16 }),
    networks: e.nodeContract.fields.networks,
    /** Prepaid; 0 for parts of a solution, which draw on the solution's deposit. */
    depositUnits: s.units(),
  }),
  "contracts.update_node": s.struct({
    contractId: e.contractId,
    solutionVersion: s.optional(s.uint({ min: 1 })),
    instruction: s.cid,
    resources: e.resources,
    networks: e.nodeContract.fields.networks,
  }),
  "contracts.create_name": s.struct({
    name: e.label,
    gatewayNodeId: e.nodeId,
    solutionId: s.nullable(e.solutionId),
    depositUnits: s.units(),
  }),
  /** The whole node for the signer's twin and the agents of its solutions; the node must not be in use. */
  "contracts.create_rent": s.struct({ nodeId: e.nodeId, depositUnits: s.units() }),
  "contracts.cancel": cancel,
  "contracts.deposit": s.struct({ contractId: e.contractId, amountUnits: s.units({ min: 1n }) }),
  /** By the node's twin. */
  "contracts.report": s.struct({ contractId: e.contractId, report: e.report }),
  /** By the node's twin: public traffic, both ways, since the contract began. Billed per 10^9 bytes. */
  "contracts.report_usage": s.struct({ contractId: e.contractId, publicBytes: s.uint() }),

  "solutions.create": s.struct({
    name: e.label,
    document: s.cid,
    agentTwinId: e.twinId,
    signers: e.solution.fields.signers,
    thresholds: e.thresholds,
    budgetPerHourUnits: s.units({ min: 1n }),
    depositUnits: s.units({ min: 1n }),
  }),
  /** Agrees to exactly this pending change (version and document; null document = deletion). The author of a change signs by making it. */
  "solutions.sign": s.struct({ solutionId: e.solutionId, version: s.uint(), document: s.nullable(s.cid) }),
  "solutions.amend": s.struct({ solutionId: e.solutionId, version: s.uint(), document: s.cid, budgetPerHourUnits: s.units({ min: 1n }) }),
  "solutions.cancel": s.struct({ solutionId: e.solutionId }),
  "solutions.deposit": s.struct({ solutionId: e.solutionId, amountUnits: s.units({ min: 1n }) }),
  /** By the agent: what it sees. */
  "solutions.set_state": s.struct({
    solutionId: e.solutionId,
    version: s.uint(),
    state: s.oneOf(["deploying", "running", "degraded", "failed"]),
    code: e.code,
    message: e.message,
  }),
  "solutions.add_member": s.struct({ solutionId: e.solutionId, name: e.label, network: e.label, publicKey: e.key32 }),
  "solutions.remove_member": s.struct({ solutionId: e.solutionId, name: e.label }),

  /** By either side; binding once both have approved the same version. */
  "services.create": s.struct({
    serviceTwinId: e.twinId,
    consumerTwinId: e.twinId,
    baseUnitsPerHour: s.units(),
    variableUnitsPerHour: s.units(),
    metadata: l.serviceMetadata,
  }),
  /** By the service, before both have approved. */
  "services.update": s.struct({
    serviceId: l.serviceId,
    baseUnitsPerHour: s.units(),
    variableUnitsPerHour: s.units(),
    metadata: l.serviceMetadata,
  }),
  "services.approve": s.struct({ serviceId: l.serviceId, version: s.uint({ min: 1 }) }),
  /** Prepays for the consumer. */
  "services.deposit": s.struct({ serviceId: l.serviceId, amountUnits: s.units({ min: 1n }) }),
  /** By the service: base fee for the time since the last bill (an hour at most) and this much beside it. */
  "services.bill": s.struct({ serviceId: l.serviceId, variableUnits: s.units() }),
  "services.cancel": s.struct({ serviceId: l.serviceId }),

  /** Holds a deposit, which is lost when the vote finds no quorum. */
  "governance.propose": s.struct({ change: g.change, document: s.nullable(s.cid) }),
  /** With a farm's capacity, or with the twin's stake (farmId null). May be changed while the vote lasts. */
  "governance.vote": s.struct({ proposalId: g.proposalId, farmId: s.nullable(e.farmId), approve: s.bool }),
  /** While what passed is locked; once. */
  "governance.veto": s.struct({ proposalId: g.proposalId, farmId: s.nullable(e.farmId) }),

  /** By a feeder: the price of 1 TFT, as it sees it. */
  "pricing.feed": s.struct({ tftPriceMicroUsd: l.feed.fields.tftPriceMicroUsd }),

  /** By the twin that paid for the contract, weighted by what it has paid since its last review. */
  "reputation.review": s.struct({ contractId: e.contractId, score: s.uint({ max: 100 }) }),

  /** By the twin that paid for the contract, once: it did not get what it paid for. */
  "reputation.dispute": s.struct({ contractId: e.contractId, document: s.nullable(s.cid) }),
  /** By certifiers. */
  "reputation.resolve": s.struct({ disputeId: m.disputeId, upheld: s.bool }),

  "notary.anchor": s.struct({ document: s.cid, contractId: s.nullable(e.contractId), solutionId: s.nullable(e.solutionId) }),
});
export type Call = Infer<typeof call>;
export type CallType = Call["type"];

/** What is signed under `tfgrid/tx/v1`. */
export const transactionBody = s.struct({
  chainId: s.text({ maxLength: 64 }),
  signer: e.accountId,
  nonce: s.uint(),
  /** Last height at which it may be included. */
  expiresAtHeight: e.height,
  /** Last time of a block in which it may be included; the earlier of both counts. */
  expiresAtMs: s.optional(e.timeMs),
  calls: s.list(call, { max: 256, min: 1 }),
  /** Refused, and nothing taken, when the fee has risen above this. */
  maxFeeUnits: s.optional(s.units()),
});
export type TransactionBody = Infer<typeof transactionBody>;
export const signedTransaction = s.struct({ body: transactionBody, signature: s.hex({ length: 64 }) });
export type SignedTransaction = Infer<typeof signedTransaction>;
