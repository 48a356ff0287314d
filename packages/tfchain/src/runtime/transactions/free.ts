/**
 * What costs nothing: a node's own reports, within a rate that the ledger enforces, and the registration of a node that has its
 * farmer's word, within a number per farm and hour. Both are counted when they are refused, too.
 */
import { type FarmId, type NodeId, s } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Call, CallType, JoinToken, TransactionBody } from "../../types/calls.ts";
import type { BlockContext, StateReader, StateWriter } from "../api.ts";
import type { Verify } from "../context.ts";
import { MS_PER_HOUR, MS_PER_MINUTE, RUNTIME_LIMITS } from "../limits.ts";
import { checkJoinToken } from "../nodes/join.ts";
import { lives, nodeIdByTwin, readLife } from "../nodes/store.ts";
import { readParams } from "../params/store.ts";
import { table } from "../store/table.ts";
import { twinIdByAccount } from "../twins/store.ts";

/** A node has no money of its own, so what it must say of itself is free. */
const NODE_CALLS: ReadonlySet<CallType> = new Set(["nodes.heartbeat", "nodes.sleep", "contracts.report", "contracts.report_usage", "nodes.update", "twins.update"]);

export const farmJoins = table<FarmId, { readonly hour: number; readonly used: number }>({
  prefix: "farm-joins",
  schema: s.struct({ hour: s.uint(), used: s.uint() }),
});

export interface FreeCheck {
  readonly state: StateReader;
  readonly block: BlockContext;
  readonly verify: Verify;
  readonly body: TransactionBody;
}

/** `use` counts against the allowance. */
export type Allowance =
  | { readonly kind: "paid" }
  | { readonly kind: "free"; readonly use: (state: StateWriter) => void }
  /** Would be free, but the allowance is used up: may be paid for. */
  | { readonly kind: "used_up" };

/** @throws GridError nodes.join_token_*, farms.not_found: a registration whose token is bad is told so at once */
export function allowance(check: FreeCheck): Allowance {
  const { state, body } = check;
  const twinId = twinIdByAccount.get(state, body.signer);
  const nodeId = twinId === undefined ? undefined : nodeIdByTwin.get(state, twinId);
  if (nodeId !== undefined) return nodeAllowance(check, nodeId);
  const token = joinTokenOf(body.calls, twinId !== undefined);
  return token === undefined ? { kind: "paid" } : joinAllowance(check, token);
}

function nodeAllowance({ state, block, body }: FreeCheck, id: NodeId): Allowance {
  if (!body.calls.every((call) => NODE_CALLS.has(call.type))) return { kind: "paid" };
  const life = readLife(state, id);
  const minute = Math.floor(block.timeMs / MS_PER_MINUTE);
  const used = (life.quotaMinute === minute ? life.quotaUsed : 0) + body.calls.length;
  if (used > readParams(state).reportsPerMinute) return { kind: "used_up" };
  return { kind: "free", use: (writer) => lives.put(writer, id, { ...readLife(writer, id), quotaMinute: minute, quotaUsed: used }) };
}

function joinAllowance(check: FreeCheck, token: JoinToken): Allowance {
  const farm = checkJoinToken(check, token);
  const hour = Math.floor(check.block.timeMs / MS_PER_HOUR);
  const row = farmJoins.get(check.state, farm.id);
  const used = (row?.hour === hour ? row.used : 0) + 1;
  if (used > RUNTIME_LIMITS.freeJoinsPerFarmPerHour) return { kind: "used_up" };
  return { kind: "free", use: (writer) => farmJoins.put(writer, farm.id, { hour, used }) };
}

/** The token of a batch that only makes a node: its twin, unless there is one, and the registration. */
function joinTokenOf(calls: readonly Call[], hasTwin: boolean): JoinToken | undefined {
  const [first, second] = hasTwin ? [undefined, calls[0]] : [calls[0], calls[1]];
  const wanted = hasTwin ? 1 : 2;
  if (calls.length !== wanted || (!hasTwin && first?.type !== "twins.create") || second?.type !== "nodes.register") return undefined;
  return second.joinToken;
}

export function rateLimited(body: TransactionBody): ReturnType<typeof runtimeErrors.fail> {
  return runtimeErrors.fail("tx.rate_limited", { details: { account: body.signer, calls: body.calls.length } });
}
