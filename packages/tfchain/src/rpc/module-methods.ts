/** Reads of the modules beside twins, farms, nodes, contracts and solutions. */
import { s } from "@tfgrid/primitives";
import * as e from "../types/entities.ts";
import * as g from "../types/governance.ts";
import * as l from "../types/ledger.ts";
import * as m from "../types/merit.ts";
import { charter, policy } from "../types/policy.ts";
import * as v from "../types/validators.ts";
import { failedWork } from "../types/work.ts";
import { method, page, rows } from "./method.ts";

export const moduleMethods = {
  policy: method("Numbers of the ledger's modules.", {}, policy),
  charter: method("Offices, terms, operating system release and upgrade, as governance decided.", {}, charter),
  validatorSet: method("The validators that governance wants; engines follow two blocks after it was decided.", {}, v.validatorSet),
  misbehaviours: method("What consensus proved against validators, by ascending id.", page, rows(v.misbehaviour)),
  failedWork: method("Time-based work that a bug of the ledger keeps from being done, by ascending id; it is tried again by itself.", page, rows(failedWork)),
  supply: method("How much TFT exists, was minted and burned.", {}, l.supply),
  stake: method("What a twin has locked.", { twinId: e.twinId }, s.nullable(l.stake)),
  discount: method("What a twin's stake takes off its bills now.", { twinId: e.twinId }, l.discount),
  acceptedTerms: method("The terms that a twin accepted last.", { twinId: e.twinId }, s.nullable(l.acceptedTerms)),
  farmPayout: method("The account that a farm's income goes to, when it is not its twin's.", { farmId: e.farmId }, s.nullable(e.accountId)),
  farmOffer: method("The twin that a farm is offered to.", { farmId: e.farmId }, s.nullable(e.twinId)),
  usage: method("Public traffic of a contract, as its node counted it.", { contractId: e.contractId }, s.nullable(l.usage)),
  rentByNode: method("The rent that a node is under.", { nodeId: e.nodeId }, s.nullable(e.contract)),
  rents: method("All rents by ascending node id; `after` is a node id.", page, rows(e.contract)),
  service: method("One service contract.", { id: l.serviceId }, s.nullable(l.service)),
  services: method("Service contracts by ascending id.", page, rows(l.service)),
  parameters: method("Every number that governance may change, with its range.", {}, rows(g.parameter)),
  proposal: method("One proposal.", { id: g.proposalId }, s.nullable(g.proposal)),
  proposals: method("Proposals by ascending id.", page, rows(g.proposal)),
  price: method("Price of TFT, who fed it when, and whether it is stale.", {}, l.priceView),
  rewards: method("Rewards of a node by period, with every figure behind them.", { nodeId: e.nodeId }, rows(m.rewardReceipt)),
  reputation: method(
    "Score, confidence and evidence of one node, farm or twin: name exactly one.",
    { nodeId: s.optional(e.nodeId), farmId: s.optional(e.farmId), twinId: s.optional(e.twinId) },
    m.reputation,
  ),
  nodeReputations: method("Score and confidence of all nodes by ascending node id.", page, rows(m.nodeReputation)),
  dispute: method("One dispute about a contract.", { id: m.disputeId }, s.nullable(m.dispute)),
  disputes: method("Disputes by ascending id.", page, rows(m.dispute)),
  fee: method("What a transaction costs now: (base + perByte x bytes) x multiplier / 1,000.", {}, l.feeView),
  twinOffer: method("The key that a twin is offered to.", { twinId: e.twinId }, s.nullable(e.accountId)),
} as const;
