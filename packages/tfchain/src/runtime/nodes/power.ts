/** A farmer switches an empty node off and on again; the node obeys, and says so before it goes. */
import { runtimeErrors } from "../../errors.ts";
import type { Node, Power } from "../../types/entities.ts";
import type { CallContext, CallOf, Context } from "../context.ts";
import { contractsByNode } from "../contracts/store.ts";
import { farms } from "../farms/store.ts";
import { actingTwin } from "../twins/store.ts";
import { heartbeat, stopCounting } from "./liveness.ts";
import { isAsleep } from "./off.ts";
import { momentOf } from "./sleep.ts";
import { lives, nodes, readLife, requireNode, requireSelf } from "./store.ts";

/** @throws GridError nodes.not_farmer */
export function requireFarmer(context: CallContext, node: Node): void {
  const twin = actingTwin(context);
  if (farms.get(context.state, node.farmId)?.twinId === twin.id) return;
  throw runtimeErrors.fail("nodes.not_farmer", {
    message: `Node ${node.id} stands in farm ${node.farmId}, which does not belong to twin ${twin.id}.`,
    details: { nodeId: node.id, farmId: node.farmId, twinId: twin.id },
  });
}

/** @throws GridError nodes.not_found, nodes.not_farmer, nodes.not_empty */
export function setPower(context: CallContext, { nodeId, target }: CallOf<"nodes.set_power">): void {
  const node = requireNode(context.state, nodeId);
  requireFarmer(context, node);
  if (target === "up") {
    wantOn(context, node);
    return;
  }
  const [contractId] = contractsByNode.ids(context.state, [nodeId, "a"], { limit: 1 });
  if (contractId !== undefined) {
    throw runtimeErrors.fail("nodes.not_empty", { message: `Contract ${contractId} is on node ${nodeId}.`, details: { nodeId, contractId } });
  }
  if (node.power?.target !== "down") setTarget(context, node, "down");
}

/** By its farmer, or because somebody rents it. */
export function wantOn(context: Context, node: Node): void {
  if (node.power === undefined) return;
  if (node.power.target === "down") setTarget(context, node, "up");
  // Asked again while it sleeps: whoever can wake it hears it again. Its time to wake runs on.
  else if (isAsleep(node)) tell(context, node, node.power);
}

function setTarget(context: Context, node: Node, target: Power["target"]): void {
  const { state, block } = context;
  const before = node.power ?? { state: "up" as const, stateSinceMs: node.createdAtMs };
  store(context, { ...node, power: { ...before, target, targetSinceMs: block.timeMs } });
  const life = readLife(state, node.id);
  if (life.sleep === undefined) return;
  const wanted = target === "up" ? momentOf(context) : null;
  lives.put(state, node.id, { ...life, sleep: { ...life.sleep, wanted } });
}

/** Its last word counts like a heartbeat. Said again, it changes nothing. @throws GridError nodes.not_this_node, nodes.not_asked_to_sleep */
export function sleep(context: CallContext, { nodeId }: CallOf<"nodes.sleep">): void {
  const { state, block } = context;
  const said = requireSelf(context, nodeId);
  if (said.power?.target !== "down") throw runtimeErrors.fail("nodes.not_asked_to_sleep", { details: { nodeId } });
  if (isAsleep(said)) return;
  if (said.up) heartbeat(context, said, said.uptimeSec);
  const stopped = stopCounting(context, requireNode(state, nodeId));
  const power: Power = { ...said.power, state: "down", stateSinceMs: block.timeMs };
  store(context, { ...stopped, power });
  lives.put(state, nodeId, { ...readLife(state, nodeId), sleep: { since: momentOf(context), wanted: null } });
}

function store(context: Context, node: Node & { readonly power: Power }): void {
  nodes.put(context.state, node.id, node);
  tell(context, node, node.power);
}

const tell = ({ emit }: Context, { id: nodeId, farmId }: Node, { target, state }: Power): void => emit({ type: "nodes.power", nodeId, farmId, target, state });
