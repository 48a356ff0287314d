/**
 * A dispute: who paid for a contract says, once, that it did not get what it paid for. Certifiers decide, so many of them as it
 * takes to establish a violation. What is upheld counts against node and farm, what is rejected against who complained.
 */
import { runtimeErrors } from "../../errors.ts";
import type { Contract } from "../../types/entities.ts";
import type { Dispute, DisputeId } from "../../types/merit.ts";
import type { StateReader } from "../api.ts";
import type { CallContext, CallOf } from "../context.ts";
import { requireContract } from "../contracts/store.ts";
import { farms } from "../farms/store.ts";
import { nodes } from "../nodes/store.ts";
import { nextId } from "../params/store.ts";
import { requireCertifier } from "../policy/offices.ts";
import { readPolicy } from "../policy/store.ts";
import { actingTwin } from "../twins/store.ts";
import { addEvidence, disputeIdByContract, disputes } from "./store.ts";

export function openDispute(context: CallContext, { contractId, document }: CallOf<"reputation.dispute">): void {
  const { state, block, emit } = context;
  const contract = requireContract(state, contractId);
  const twin = actingTwin(context);
  const details = { contractId, twinId: twin.id };
  if (contract.twinId !== twin.id) throw runtimeErrors.fail("contracts.not_owner", { details });
  const known = disputeIdByContract.get(state, contractId);
  if (known !== undefined) throw runtimeErrors.fail("reputation.disputed_already", { details: { ...details, disputeId: known } });
  const { nodeId, farmId } = accused(state, contract);
  const id = nextId<DisputeId>(state, "dispute");
  const opened = { byTwinId: twin.id, document, atStakeUnits: contract.billedUnits, openedAtMs: block.timeMs };
  disputes.put(state, id, { id, contractId, nodeId, farmId, ...opened, state: "open", upheldBy: [], rejectedBy: [] });
  disputeIdByContract.put(state, contractId, id);
  emit({ type: "reputation.disputed", disputeId: id, contractId, nodeId, twinId: twin.id });
}

/** @throws GridError contracts.not_a_node_contract, reputation.nothing_paid */
function accused(state: StateReader, contract: Contract): Pick<Dispute, "nodeId" | "farmId"> {
  const details = { contractId: contract.id, twinId: contract.twinId };
  if (contract.type === "name") throw runtimeErrors.fail("contracts.not_a_node_contract", { details });
  const node = nodes.get(state, contract.nodeId);
  // Who pays himself proves nothing, and who paid nothing has nothing at stake.
  const own = node !== undefined && farms.get(state, node.farmId)?.twinId === contract.twinId;
  if (node === undefined || own || contract.billedUnits === 0n) throw runtimeErrors.fail("reputation.nothing_paid", { details });
  return { nodeId: node.id, farmId: node.farmId };
}

/** By certifiers, each once. */
export function resolveDispute(context: CallContext, { disputeId, upheld }: CallOf<"reputation.resolve">): void {
  const { state, signer } = context;
  requireCertifier(context);
  const row = disputes.get(state, disputeId);
  if (row === undefined) throw runtimeErrors.fail("reputation.no_dispute", { details: { disputeId } });
  const details = { disputeId, state: row.state };
  if (row.state !== "open") throw runtimeErrors.fail("reputation.resolved_already", { details });
  if (row.upheldBy.includes(signer) || row.rejectedBy.includes(signer)) throw runtimeErrors.fail("reputation.decided_already", { details: { ...details, account: signer } });
  const next: Dispute = upheld ? { ...row, upheldBy: [...row.upheldBy, signer] } : { ...row, rejectedBy: [...row.rejectedBy, signer] };
  const voices = upheld ? next.upheldBy : next.rejectedBy;
  disputes.put(state, disputeId, next);
  if (voices.length >= readPolicy(state).rewards.violationWitnesses) close(context, next, upheld);
}

function close(context: CallContext, row: Dispute, upheld: boolean): void {
  disputes.put(context.state, row.id, { ...row, state: upheld ? "upheld" : "rejected" });
  if (upheld) addEvidence(context, [{ nodeId: row.nodeId }, { farmId: row.farmId }], { failedUnits: row.atStakeUnits, disputesMilli: 1_000 });
  else addEvidence(context, [{ twinId: row.byTwinId }], { disputesMilli: 1_000 });
  context.emit({ type: "reputation.resolved", disputeId: row.id, contractId: row.contractId, nodeId: row.nodeId, upheld });
}
