import { NO_RESOURCES, type NodeId, fits } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Node } from "../../types/entities.ts";
import type { CallContext, CallOf, Handlers } from "../context.ts";
import { nextId } from "../params/store.ts";
import { drained } from "../reputation/evidence.ts";
import { noteCapacity, openBook } from "../rewards/books.ts";
import { reportViolation } from "../rewards/violation.ts";
import { actingTwin } from "../twins/store.ts";
import { certifyNode, deleteNode } from "./end.ts";
import { checkJoinToken } from "./join.ts";
import { heartbeat } from "./liveness.ts";
import { requireFarmer, setPower, sleep } from "./power.ts";
import { NEW_LIFE, lives, nodeIdByTwin, nodes, nodesByFarm, requireNode, requireSelf } from "./store.ts";

export const nodesCalls: Handlers<"nodes"> = {
  "nodes.register": register,
  "nodes.update": (context, { type: _type, nodeId, ...profile }) => {
    const node = requireSelf(context, nodeId);
    if (!fits(node.reserved, profile.total)) {
      throw runtimeErrors.fail("nodes.total_below_reserved", {
        details: { nodeId, reservedMemoryBytes: node.reserved.memoryBytes, totalMemoryBytes: profile.total.memoryBytes },
      });
    }
    const { publicConfig: _old, ...rest } = node;
    nodes.put(context.state, nodeId, { ...rest, ...profile });
    noteCapacity(context.state, nodeId, profile.total);
    context.emit({ type: "nodes.updated", nodeId });
  },
  "nodes.heartbeat": (context, { nodeId, uptimeSec }) => heartbeat(context, requireSelf(context, nodeId), uptimeSec),
  "nodes.set_power": setPower,
  "nodes.sleep": sleep,
  "nodes.delete": deleteNode,
  "nodes.certify": certifyNode,
  "nodes.report_violation": reportViolation,
  "nodes.set_maintenance": (context, { nodeId, mode, noticeUntilMs }) => {
    const { state, block, emit } = context;
    const node = requireNode(state, nodeId);
    requireFarmer(context, node);
    const next: Node = { ...node, maintenance: { mode, sinceMs: block.timeMs, noticeUntilMs } };
    nodes.put(state, nodeId, next);
    drained(context, next);
    emit({ type: "nodes.maintenance", nodeId, mode, noticeUntilMs });
  },
};

function register(context: CallContext, call: CallOf<"nodes.register">): void {
  const { state, block, verify, emit } = context;
  const { type: _type, joinToken, ...profile } = call;
  const farm = checkJoinToken({ state, block, verify }, joinToken);
  const twin = actingTwin(context);
  const existing = nodeIdByTwin.get(state, twin.id);
  if (existing !== undefined) {
    throw runtimeErrors.fail("nodes.already_registered", {
      message: `Twin ${twin.id} is node ${existing} already.`,
      details: { nodeId: existing, twinId: twin.id },
    });
  }
  const id = nextId<NodeId>(state, "node");
  const row: Node = {
    ...profile,
    id,
    farmId: farm.id,
    twinId: twin.id,
    reserved: NO_RESOURCES,
    certification: "diy",
    maintenance: { mode: "none", sinceMs: 0, noticeUntilMs: 0 },
    // Up from the first heartbeat on: a registration does not prove that the machine keeps running.
    up: false,
    lastHeartbeatMs: 0,
    upChangedMs: block.timeMs,
    uptimeSec: 0,
    createdAtMs: block.timeMs,
  };
  nodes.put(state, id, row);
  nodeIdByTwin.put(state, twin.id, id);
  lives.put(state, id, NEW_LIFE);
  nodesByFarm.add(state, [farm.id], id);
  openBook(context, row);
  emit({ type: "nodes.registered", nodeId: id, farmId: farm.id, twinId: twin.id });
}
