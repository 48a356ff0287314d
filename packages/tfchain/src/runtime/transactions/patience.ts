/**
 * Who can wait for company: a node that is known to be up says that it still is, or counts traffic. Nothing follows from either
 * until much later, so an engine may gather them into one block with time-based work. All else has somebody who waits for it.
 */
import type { CallType } from "../../types/calls.ts";
import type { BlockContext, DecodedTx, StateReader } from "../api.ts";
import { gatherMs } from "../due-pace.ts";
import { deadlineMs } from "../nodes/liveness.ts";
import { nodeByTwin } from "../nodes/store.ts";
import { twinIdByAccount } from "../twins/store.ts";

const PATIENT_CALLS: ReadonlySet<CallType> = new Set(["nodes.heartbeat", "contracts.report_usage"]);

export function isPatient(state: StateReader, { timeMs }: BlockContext, { tx }: DecodedTx): boolean {
  const { calls, signer } = tx.body;
  if (!calls.every(({ type }) => PATIENT_CALLS.has(type))) return false;
  const twinId = twinIdByAccount.get(state, signer);
  const node = twinId === undefined ? undefined : nodeByTwin(state, twinId);
  // One that is down comes back with this, and one that is about to be counted as down must be heard before.
  return node !== undefined && node.up && timeMs + gatherMs(state) < deadlineMs(state, node);
}
