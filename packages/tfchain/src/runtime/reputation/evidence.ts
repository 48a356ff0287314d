/** Where evidence comes from: time, the ends of contracts, maintenance. */
import type { Contract, Node } from "../../types/entities.ts";
import type { Context } from "../context.ts";
import { contractsByNode } from "../contracts/store.ts";
import { farms } from "../farms/store.ts";
import { nodes } from "../nodes/store.ts";
import { readPolicy } from "../policy/store.ts";
import { type Subject, addEvidence } from "./store.ts";

const nodeAndFarm = (node: Node): readonly Subject[] => [{ nodeId: node.id }, { farmId: node.farmId }];

/** Announced long enough before, and under way. */
function inAnnouncedDrain(context: Context, { maintenance }: Node): boolean {
  const { mode, sinceMs, noticeUntilMs } = maintenance;
  return mode === "drain" && noticeUntilMs - sinceMs >= readPolicy(context.state).reputation.noticeMs;
}

/** Time since the last look: proven, or not. */
export function timePassed(context: Context, node: Node, passed: { readonly upMs: number; readonly totalMs: number }): void {
  const upMs = Math.min(passed.upMs, passed.totalMs);
  const lost = passed.totalMs - upMs;
  if (passed.totalMs === 0) return;
  const down = inAnnouncedDrain(context, node) ? { announcedDownMs: lost } : { downMs: lost };
  addEvidence(context, nodeAndFarm(node), { upMs, ...down });
}

/** A drain of a node on which something runs: with notice, or without. */
export function drained(context: Context, node: Node): void {
  const [tenant] = contractsByNode.ids(context.state, [node.id, "a"], { limit: 1 });
  if (node.maintenance.mode !== "drain" || tenant === undefined) return;
  addEvidence(context, nodeAndFarm(node), inAnnouncedDrain(context, node) ? { announcedMilli: 1_000 } : { unannouncedMilli: 1_000 });
}

export function violated(context: Context, node: Node): void {
  addEvidence(context, nodeAndFarm(node), { violationsMilli: 1_000 });
}

/**
 * The node failed a contract when it left, when it said so itself, or when an agent had to leave it while it was down. What
 * is at stake is what was paid, and an hour's price when it failed. Who pays himself proves nothing.
 */
export function contractEnded(context: Context, contract: Contract, end: { readonly cause: string; readonly owedUnits: bigint }): void {
  const { billedUnits, costPerHourUnits } = contract;
  const paid = end.owedUnits === 0n ? { fulfilledUnits: billedUnits } : { fulfilledUnits: billedUnits, failedUnits: end.owedUnits + costPerHourUnits };
  if (billedUnits > 0n || end.owedUnits > 0n) addEvidence(context, [{ twinId: contract.twinId }], paid);
  const node = contract.type === "name" ? undefined : nodes.get(context.state, contract.nodeId);
  if (node === undefined || farms.get(context.state, node.farmId)?.twinId === contract.twinId) return;
  const reported = contract.type === "node" && contract.report?.state === "failed";
  const failed = end.cause === "node_deleted" || reported || (end.cause === "canceled_by_agent" && !node.up);
  const units = failed ? { failedUnits: billedUnits + costPerHourUnits } : { fulfilledUnits: billedUnits };
  if (failed || billedUnits > 0n) addEvidence(context, nodeAndFarm(node), units);
}
