import { type FarmId, type Infer, type NodeId, type TwinId, s } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type Node, node, nodeId } from "../../types/entities.ts";
import type { StateReader } from "../api.ts";
import type { CallContext } from "../context.ts";
import { idIndex, table } from "../store/table.ts";
import { actingTwin } from "../twins/store.ts";

export const nodes = table<NodeId, Node>({ prefix: "node", schema: node });
export const nodeIdByTwin = table<TwinId, NodeId>({ prefix: "node-by-twin", schema: nodeId });
export const nodesByFarm = idIndex<readonly [FarmId]>("node-by-farm");

/** A moment, and how long the chain had stood still until then. */
const moment = s.struct({ atMs: s.uint(), stoodMs: s.uint() });
export type Moment = Infer<typeof moment>;
const sleep = s.struct({
  since: moment,
  /** When it was wanted on again. */
  wanted: s.nullable(moment),
});
export type Sleep = Infer<typeof sleep>;

/** What the ledger keeps of a node beside what everybody may see: proven time, free reports used, entry in the due queue. */
const life = s.struct({
  /** Time for which heartbeats vouch, without the present stretch. */
  upMs: s.uint(),
  /** When the present stretch began; counts only while the node is up. */
  upSinceMs: s.uint(),
  quotaMinute: s.uint(),
  quotaUsed: s.uint(),
  /** 0: not in the queue. */
  dueMs: s.uint(),
  /** Time asleep that counts as proven, without the present sleep: for rewards and reputation, never for bills. */
  sleptMs: s.optional(s.uint()),
  /** Only while it sleeps. */
  sleep: s.optional(sleep),
});
export type Life = Infer<typeof life>;
export const lives = table<NodeId, Life>({ prefix: "node-life", schema: life });
export const NEW_LIFE: Life = { upMs: 0, upSinceMs: 0, quotaMinute: 0, quotaUsed: 0, dueMs: 0 };

export const readLife = (state: StateReader, id: NodeId): Life => lives.get(state, id) ?? NEW_LIFE;

export function nodeByTwin(state: StateReader, twinId: TwinId): Node | undefined {
  const id = nodeIdByTwin.get(state, twinId);
  return id === undefined ? undefined : nodes.get(state, id);
}

/** @throws GridError nodes.not_found */
export function requireNode(state: StateReader, id: NodeId): Node {
  const row = nodes.get(state, id);
  if (row === undefined) throw runtimeErrors.fail("nodes.not_found", { message: `There is no node ${id}.`, details: { nodeId: id } });
  return row;
}

/** The node, when it is the node itself that speaks. @throws GridError nodes.not_this_node */
export function requireSelf(context: CallContext, id: NodeId): Node {
  const row = requireNode(context.state, id);
  const twin = actingTwin(context);
  if (row.twinId !== twin.id) {
    throw runtimeErrors.fail("nodes.not_this_node", {
      message: `Node ${id} speaks with twin ${row.twinId}, not with twin ${twin.id}.`,
      details: { nodeId: id, nodeTwinId: row.twinId, twinId: twin.id },
    });
  }
  return row;
}
