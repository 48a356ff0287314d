/** Events told in one sentence each, the same way everywhere. Those with a longer story (contracts, solutions, nodes) are told by the rooms. */
import { formatTft } from "@tfgrid/primitives";
import type { ChainEvent } from "./events.ts";

type Tellers = { readonly [K in ChainEvent["type"]]?: (event: Extract<ChainEvent, { type: K }>) => string };

const NEWS = {
  "accounts.staked": ({ twinId, amountUnits, level }) => `twin ${twinId} has staked ${formatTft(amountUnits)} TFT (level ${level})`,
  "accounts.unstaked": ({ twinId, amountUnits }) => `twin ${twinId} took back its stake of ${formatTft(amountUnits)} TFT`,
  "accounts.burned": ({ amountUnits }) => `${formatTft(amountUnits)} TFT were burned`,
  "twins.moved": ({ twinId, cause }) => (cause === "transferred" ? `twin ${twinId} has a new owner` : `twin ${twinId} has a new key`),
  "twins.offered": ({ twinId, to }) => (to === null ? `twin ${twinId} is no longer offered` : `twin ${twinId} is offered to ${to.slice(0, 8)}…`),
  "twins.closed": ({ twinId }) => `twin ${twinId} is closed`,
  "twins.terms_accepted": ({ twinId, version }) => `twin ${twinId} accepted version ${version} of the terms`,
  "farms.offered": ({ farmId, to }) => (to === null ? `farm ${farmId} is no longer offered` : `farm ${farmId} is offered to twin ${to}`),
  "farms.moved": ({ farmId, toTwinId }) => `farm ${farmId} belongs to twin ${toTwinId} now`,
  "farms.priced": ({ farmId, terms }) =>
    `farm ${farmId} announces ${terms.computePercent} % of the ledger's prices${terms.rentDiscountPercent === null ? "" : `, ${terms.rentDiscountPercent} % off a whole node`}`,
  "nodes.power": ({ nodeId, target, state }) =>
    state === "down" ? `node ${nodeId} sleeps${target === "up" ? " and is wanted on" : ""}` : `node ${nodeId} is on${target === "down" ? " and is wanted off" : ""}`,
  "farms.deleted": ({ farmId }) => `farm ${farmId} is closed`,
  "nodes.certified": ({ nodeId, certification }) => `node ${nodeId} is ${certification === "certified" ? "certified" : "no longer certified"}`,
  "nodes.deleted": ({ nodeId, farmId }) => `node ${nodeId} has left farm ${farmId}`,
  "services.created": ({ serviceId, serviceTwinId, consumerTwinId }) =>
    `service contract ${serviceId} between twins ${serviceTwinId} and ${consumerTwinId} is proposed`,
  "services.updated": ({ serviceId, version }) => `service contract ${serviceId} has new fees (version ${version})`,
  "services.agreed": ({ serviceId }) => `both sides agreed to service contract ${serviceId}`,
  "services.billed": ({ serviceId, amountUnits }) => `service contract ${serviceId}: ${formatTft(amountUnits)} TFT paid`,
  "services.ended": ({ serviceId, cause }) => `service contract ${serviceId} ended (${cause})`,
  "governance.proposed": ({ proposalId, twinId, change }) => `twin ${twinId} proposes a change of ${change} (proposal ${proposalId})`,
  "governance.voted": ({ proposalId, twinId, approve }) => `twin ${twinId} votes ${approve ? "for" : "against"} proposal ${proposalId}`,
  "governance.vetoed": ({ proposalId, twinId }) => `twin ${twinId} vetoes proposal ${proposalId}`,
  "governance.closed": ({ proposalId, state }) => `proposal ${proposalId} is ${state}`,
  "governance.upgraded": ({ stateVersion }) => `the ledger follows state version ${stateVersion} now`,
  "pricing.moved": ({ tftPriceMicroUsd }) => `1 TFT counts ${tftPriceMicroUsd / 1_000_000} USD now`,
  "rewards.settled": ({ nodeId, period, amountUnits, outcome }) =>
    `node ${nodeId} earned ${formatTft(amountUnits)} TFT in period ${period}${outcome === "paid" ? "" : ` (${outcome})`}`,
  "nodes.violation": ({ nodeId, code }) => `a certifier contradicts node ${nodeId}: ${code}`,
  "reputation.disputed": ({ contractId, nodeId, twinId }) => `twin ${twinId} disputes contract ${contractId} on node ${nodeId}`,
  "reputation.resolved": ({ disputeId, nodeId, upheld }) => `dispute ${disputeId} about node ${nodeId} is ${upheld ? "upheld" : "rejected"}`,
  "validators.changed": ({ version, validators }) => `${validators} validators make blocks from now on (set ${version})`,
  "validators.misbehaved": ({ kind, address, publicKey, height }) =>
    `validator ${(publicKey ?? address).slice(0, 8)}… was caught at height ${height}: ${kind.replaceAll("_", " ")}`,
  "work.failed": ({ kind, subject, failures, reason }) => `the ledger failed on what is due of ${kind} ${subject} (${failures} times): ${reason}`,
  "work.recovered": ({ kind, subject, failures }) => `what was due of ${kind} ${subject} is done, after ${failures} failures`,
  "reputation.reviewed": ({ nodeId, twinId, score }) => `twin ${twinId} gives node ${nodeId} ${score} of 100`,
} as const satisfies Tellers;

export type NewsType = keyof typeof NEWS;
export type NewsEvent = Extract<ChainEvent, { type: NewsType }>;

export const isNews = (event: ChainEvent): event is NewsEvent => Object.hasOwn(NEWS, event.type);

export function newsSentence(event: NewsEvent): string {
  // Each tag is paired with its own teller; TypeScript cannot follow that pairing through an index.
  return (NEWS[event.type] as (event: NewsEvent) => string)(event);
}
