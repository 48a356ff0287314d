import { runtimeErrors } from "../../errors.ts";
import type { CallContext, CallOf, Handlers } from "../context.ts";
import { requireContract } from "../contracts/store.ts";
import { farms } from "../farms/store.ts";
import { nodes } from "../nodes/store.ts";
import { solutions } from "../solutions/store.ts";
import { actingTwin } from "../twins/store.ts";
import { openDispute, resolveDispute } from "./dispute.ts";
import { type Subject, addEvidence, reviews } from "./store.ts";

export const reputationCalls: Handlers<"reputation"> = {
  "reputation.review": giveReview,
  "reputation.dispute": openDispute,
  "reputation.resolve": resolveDispute,
};

/**
 * By the twin that paid, weighted by what it has paid since its last review of this contract. Made-up identities weigh
 * nothing, and a farmer who pays himself is not heard.
 */
function giveReview(context: CallContext, { contractId, score }: CallOf<"reputation.review">): void {
  const { state, block, emit } = context;
  const contract = requireContract(state, contractId);
  const twin = actingTwin(context);
  const details = { contractId, twinId: twin.id };
  if (contract.twinId !== twin.id) throw runtimeErrors.fail("contracts.not_owner", { details });
  if (contract.type === "name") throw runtimeErrors.fail("contracts.not_a_node_contract", { details });
  const node = nodes.get(state, contract.nodeId);
  const weight = contract.billedUnits - (reviews.get(state, contractId)?.billedUnits ?? 0n);
  if (node === undefined || weight === 0n || farms.get(state, node.farmId)?.twinId === twin.id) {
    throw runtimeErrors.fail("reputation.nothing_paid", { details });
  }
  reviews.put(state, contractId, { contractId, twinId: twin.id, score, billedUnits: contract.billedUnits, atMs: block.timeMs });
  const agent = contract.solutionId === null ? undefined : solutions.get(state, contract.solutionId)?.agentTwinId;
  const subjects: Subject[] = [{ nodeId: node.id }, { farmId: node.farmId }, ...(agent === undefined ? [] : [{ twinId: agent }])];
  addEvidence(context, subjects, { reviewedUnits: weight, praisedUnits: (weight * BigInt(score)) / 100n });
  emit({ type: "reputation.reviewed", contractId, nodeId: node.id, twinId: twin.id, score, weightUnits: weight });
}
