/**
 * Up and down. One entry per node in the due queue, moved only when it fires (a heartbeat does not touch the queue): it fires,
 * finds a newer heartbeat, and moves to two intervals after that one.
 *
 * While the chain itself stood still nobody could speak: silence then says nothing about a node. It has two intervals from
 * the chain's return on, and the time of the standstill is billed to nobody.
 */
import type { NodeId } from "@tfgrid/primitives";
import type { Node, Power } from "../../types/entities.ts";
import type { StateReader } from "../api.ts";
import type { Context } from "../context.ts";
import { MISSED_HEARTBEATS } from "../limits.ts";
import { readParams } from "../params/store.ts";
import { moveDue } from "../store/due.ts";
import { lastStandstillEndMs } from "./pulse.ts";
import { wakeLife } from "./sleep.ts";
import { type Life, lives, nodes, readLife } from "./store.ts";

/** From this moment on the node counts as down, unless it speaks before. */
export function deadlineMs(state: StateReader, node: Node): number {
  const fromMs = Math.max(node.lastHeartbeatMs, lastStandstillEndMs(state));
  return fromMs + MISSED_HEARTBEATS * readParams(state).heartbeatIntervalMs;
}

/** The chain stood still and this node has not spoken since: nothing vouches for it after its last heartbeat. */
const unheardSinceStandstill = (state: StateReader, node: Node): boolean => node.lastHeartbeatMs < lastStandstillEndMs(state);

/**
 * Milliseconds that the node has been up since it registered: what bills count. While it is up the present stretch counts
 * to now, on credit: should it turn out that the node died at its last heartbeat, the count falls back to there, and a bill
 * that saw the higher count charges nothing until the node has caught up.
 */
export function upCounterMs(context: Context, node: Node, life: Life = readLife(context.state, node.id)): number {
  if (!node.up) return life.upMs;
  const { state, block } = context;
  const until = unheardSinceStandstill(state, node) ? node.lastHeartbeatMs : Math.min(block.timeMs, deadlineMs(state, node));
  return life.upMs + Math.max(0, until - life.upSinceMs);
}

export function heartbeat(context: Context, asleep: Node, uptimeSec: number): void {
  const { state, block, emit } = context;
  const node = wake(context, asleep);
  const now = block.timeMs;
  const missed = node.up && now >= deadlineMs(state, node);
  const before = missed ? goDown(context, node, readLife(state, node.id)) : { node, life: readLife(state, node.id) };
  const wasUp = before.node.up;
  const next: Node = { ...before.node, up: true, lastHeartbeatMs: now, uptimeSec, upChangedMs: wasUp ? before.node.upChangedMs : now };
  nodes.put(state, node.id, next);
  if (wasUp) {
    if (unheardSinceStandstill(state, before.node)) beginStretch(context, before.node, before.life);
    return;
  }
  const dueMs = deadlineMs(state, next);
  moveDue(state, { kind: "node", id: node.id, from: before.life.dueMs, to: dueMs });
  lives.put(state, node.id, { ...before.life, upSinceMs: now, dueMs });
  emit({ type: "nodes.up", nodeId: node.id });
}

/** Whoever speaks is awake. */
function wake({ state, block, emit }: Context, node: Node): Node {
  if (node.power?.state !== "down") return node;
  lives.put(state, node.id, wakeLife(state, readLife(state, node.id), block.timeMs));
  const power: Power = { ...node.power, state: "up", stateSinceMs: block.timeMs };
  emit({ type: "nodes.power", nodeId: node.id, farmId: node.farmId, target: power.target, state: "up" });
  return { ...node, power };
}

/** It switches itself off: up to its last heartbeat it was there, and nobody waits for the next one. */
export function stopCounting({ state, block }: Context, node: Node): Node {
  if (!node.up) return node;
  const life = readLife(state, node.id);
  moveDue(state, { kind: "node", id: node.id, from: life.dueMs, to: 0 });
  lives.put(state, node.id, { ...life, upMs: provenMs(node, life), dueMs: 0 });
  return { ...node, up: false, upChangedMs: block.timeMs };
}

/** The stretch before the standstill counts up to its last heartbeat; the next one begins now. */
function beginStretch({ state, block }: Context, node: Node, life: Life): void {
  lives.put(state, node.id, { ...life, upMs: provenMs(node, life), upSinceMs: block.timeMs });
}

const provenMs = (node: Node, life: Life): number => life.upMs + (node.lastHeartbeatMs - life.upSinceMs);

/** The due queue asks: is this node still there? */
export function checkLiveness(context: Context, id: NodeId): void {
  const { state, block } = context;
  const node = nodes.get(state, id);
  const life = readLife(state, id);
  if (node === undefined) throw new Error(`node ${id} is watched but does not exist`);
  const deadline = deadlineMs(state, node);
  if (node.up && block.timeMs >= deadline) {
    goDown(context, node, life);
    return;
  }
  const to = node.up ? deadline : 0;
  moveDue(state, { kind: "node", id, from: life.dueMs, to });
  lives.put(state, id, { ...life, dueMs: to });
}

function goDown(context: Context, node: Node, life: Life): { node: Node; life: Life } {
  const { state, emit } = context;
  const downNode: Node = { ...node, up: false, upChangedMs: deadlineMs(state, node) };
  moveDue(state, { kind: "node", id: node.id, from: life.dueMs, to: 0 });
  const downLife: Life = { ...life, upMs: provenMs(node, life), dueMs: 0 };
  nodes.put(state, node.id, downNode);
  lives.put(state, node.id, downLife);
  emit({ type: "nodes.down", nodeId: node.id, lastHeartbeatMs: node.lastHeartbeatMs });
  return { node: downNode, life: downLife };
}
