/** The end of a node, and its certification. */
import type { ContractId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Node } from "../../types/entities.ts";
import type { CallContext, CallOf } from "../context.ts";
import { removeContract, removePart } from "../contracts/remove.ts";
import { contractsByNode, requireActive } from "../contracts/store.ts";
import { farms } from "../farms/store.ts";
import { MODULE_LIMITS } from "../limits.ts";
import { requireCertifier } from "../policy/offices.ts";
import { closeBook } from "../rewards/books.ts";
import { requireSolution } from "../solutions/store.ts";
import { moveDue } from "../store/due.ts";
import { actingTwin } from "../twins/store.ts";
import { lives, nodeIdByTwin, nodes, nodesByFarm, readLife, requireNode } from "./store.ts";

export function certifyNode(context: CallContext, { nodeId, certification }: CallOf<"nodes.certify">): void {
  const { state, emit } = context;
  requireCertifier(context);
  nodes.put(state, nodeId, { ...requireNode(state, nodeId), certification });
  emit({ type: "nodes.certified", nodeId, certification });
}

/**
 * By the node or its farmer. What still runs there ends with it, but only after the notice of a drain: agents had the time
 * to move it, and users to see it coming.
 */
export function deleteNode(context: CallContext, { nodeId }: CallOf<"nodes.delete">): void {
  const { state, emit } = context;
  const node = requireNode(state, nodeId);
  requireNodeOrFarmer(context, node);
  const ids = [...contractsByNode.ids(state, [nodeId, "a"], { limit: MODULE_LIMITS.contractsPerNodeEnd + 1 })] as ContractId[];
  requireNoticeGiven(context, node, ids.length);
  for (const id of ids) endContract(context, id);
  closeBook(context, node);
  moveDue(state, { kind: "node", id: nodeId, from: readLife(state, nodeId).dueMs, to: 0 });
  lives.delete(state, nodeId);
  nodes.delete(state, nodeId);
  nodeIdByTwin.delete(state, node.twinId);
  nodesByFarm.remove(state, [node.farmId], nodeId);
  emit({ type: "nodes.deleted", nodeId, farmId: node.farmId });
}

function endContract(context: CallContext, id: ContractId): void {
  const contract = requireActive(context.state, id);
  if (contract.solutionId === null) removeContract(context, contract, "node_deleted");
  else removePart(context, requireSolution(context.state, contract.solutionId), contract, "node_deleted");
}

function requireNodeOrFarmer(context: CallContext, node: Node): void {
  const twin = actingTwin(context);
  if (twin.id === node.twinId || farms.get(context.state, node.farmId)?.twinId === twin.id) return;
  throw runtimeErrors.fail("nodes.not_farmer", { details: { nodeId: node.id, farmId: node.farmId, twinId: twin.id } });
}

function requireNoticeGiven({ block }: CallContext, node: Node, contracts: number): void {
  if (contracts === 0) return;
  const { mode, noticeUntilMs } = node.maintenance;
  const noticed = mode === "drain" && noticeUntilMs > 0 && block.timeMs >= noticeUntilMs;
  if (noticed && contracts <= MODULE_LIMITS.contractsPerNodeEnd) return;
  const message = `Node ${node.id} still has contracts; drain it, and delete it when the notice is over.`;
  throw runtimeErrors.fail("nodes.has_contracts", { message, details: { nodeId: node.id, contracts, mode, noticeUntilMs } });
}
