/**
 * What the ledger writes down about every node: time proven, traffic and addresses paid for, the least capacity it had. Looked
 * at once an interval of evidence, and at the end of each period of rewards.
 */
import { type Infer, type NodeId, type Resources, cloudUnits, s } from "@tfgrid/primitives";
import { accountId, nodeId as nodeIdSchema, resources } from "../../types/entities.ts";
import type { Node } from "../../types/entities.ts";
import { type RewardReceipt, rewardReceipt } from "../../types/merit.ts";
import { credit } from "../accounts/store.ts";
import { countMinted, readSupply } from "../accounts/supply.ts";
import type { StateReader, StateWriter } from "../api.ts";
import type { Context } from "../context.ts";
import { payoutOf } from "../farms/property.ts";
import { requireFarm } from "../farms/store.ts";
import { changeWeight, weightOf } from "../governance/weight.ts";
import { MODULE_LIMITS } from "../limits.ts";
import { provenUpMs } from "../nodes/proven.ts";
import { stoodMs } from "../nodes/pulse.ts";
import { provenSleepMs } from "../nodes/sleep.ts";
import { readLife, requireNode } from "../nodes/store.ts";
import { readPolicy } from "../policy/store.ts";
import { timePassed } from "../reputation/evidence.ts";
import { moveDue } from "../store/due.ts";
import { type Table, padId, table } from "../store/table.ts";
import { rewardUnits } from "./formula.ts";

const book = s.struct({
  nodeId: nodeIdSchema,
  connectionMicroUsd: s.uint({ min: 1 }),
  /** Of the present period. */
  fromMs: s.uint(),
  provenAtFromMs: s.uint(),
  least: resources,
  publicBytes: s.uint(),
  ipv4Ms: s.uint(),
  witnesses: s.list(accountId, { max: 16 }),
  /** Of the present interval of evidence. */
  lookedAtMs: s.uint(),
  provenAtLookMs: s.uint(),
  /** How long the chain had stood still at either: nobody could prove anything then, so that time is no downtime. */
  stoodAtFromMs: s.optional(s.uint()),
  stoodAtLookMs: s.optional(s.uint()),
  /** What this node adds to its farm's weight in votes. */
  voteWeight: s.optional(s.units()),
  dueMs: s.uint(),
});
export type Book = Infer<typeof book>;
export const books = table<NodeId, Book>({ prefix: "book", schema: book });
export const receiptsOf = (id: NodeId): Table<number, RewardReceipt> => table({ prefix: `reward/${padId(id)}`, schema: rewardReceipt });

const leastOf = (a: Resources, b: Resources): Resources => ({
  cpuMilli: Math.min(a.cpuMilli, b.cpuMilli),
  memoryBytes: Math.min(a.memoryBytes, b.memoryBytes),
  ssdBytes: Math.min(a.ssdBytes, b.ssdBytes),
  hddBytes: Math.min(a.hddBytes, b.hddBytes),
});

const nextPeriodMs = (nowMs: number, periodMs: number): number => (Math.floor(nowMs / periodMs) + 1) * periodMs;

function nextLookMs(state: StateReader, nowMs: number): number {
  const { rewards, reputation } = readPolicy(state);
  return Math.min(nowMs + reputation.evidenceMs, nextPeriodMs(nowMs, rewards.periodMs));
}

function store(state: StateWriter, row: Book, dueMs: number): void {
  moveDue(state, { kind: "book", id: row.nodeId, from: row.dueMs, to: dueMs });
  books.put(state, row.nodeId, { ...row, dueMs });
}

/** When a node registers: the price of TFT for its rewards is frozen here. */
export function openBook({ state, block }: Context, node: Node): void {
  const row: Book = {
    nodeId: node.id,
    connectionMicroUsd: readPolicy(state).rewards.connectionMicroUsd,
    ...newPeriod(node, { provenMs: 0, stood: stoodMs(state), nowMs: block.timeMs }),
    lookedAtMs: block.timeMs,
    stoodAtLookMs: stoodMs(state),
    provenAtLookMs: 0,
    dueMs: 0,
  };
  store(state, row, nextLookMs(state, block.timeMs));
}

const newPeriod = (node: Node, { provenMs, stood, nowMs }: { readonly provenMs: number; readonly stood: number; readonly nowMs: number }) => ({
  fromMs: nowMs,
  provenAtFromMs: provenMs,
  stoodAtFromMs: stood,
  least: node.total,
  publicBytes: 0,
  ipv4Ms: 0,
  witnesses: [],
});

/** The due queue asks. */
export function dueBook(context: Context, id: NodeId): void {
  const { state, block } = context;
  const row = books.get(state, id);
  if (row === undefined) throw new Error(`node ${id} has no book`);
  const node = requireNode(state, id);
  const looked = look(context, node, row);
  const { periodMs } = readPolicy(state).rewards;
  const over = block.timeMs >= nextPeriodMs(row.fromMs, periodMs);
  if (over) payPeriod(context, node, looked);
  store(state, over ? { ...looked, ...newPeriod(node, { provenMs: looked.provenAtLookMs, stood: stoodMs(state), nowMs: block.timeMs }) } : looked, nextLookMs(state, block.timeMs));
}

/** Undefined: from before this was counted. */
const stoodSince = (state: StateReader, before: number | undefined): number => stoodMs(state) - (before ?? stoodMs(state));

function look(context: Context, node: Node, row: Book): Book {
  const { state, block } = context;
  const life = readLife(state, node.id);
  const heardMs = provenUpMs(node, life);
  const provenMs = heardMs + provenSleepMs(state, life, block.timeMs);
  // Before its first heartbeat a node has promised nothing.
  if (node.lastHeartbeatMs > 0) {
    timePassed(context, node, { upMs: Math.max(0, provenMs - row.provenAtLookMs), totalMs: block.timeMs - row.lookedAtMs - stoodSince(state, row.stoodAtLookMs) });
  }
  const voteWeight = weightOf(state, node, { provenMs: heardMs, least: row.least });
  changeWeight(state, node.farmId, voteWeight - (row.voteWeight ?? 0n));
  return { ...row, lookedAtMs: block.timeMs, provenAtLookMs: provenMs, stoodAtLookMs: stoodMs(state), voteWeight };
}

/** The node leaves: what it earned in this period is paid by the same rules. */
export function closeBook(context: Context, node: Node): void {
  const { state } = context;
  const row = books.get(state, node.id);
  if (row === undefined) return;
  const looked = look(context, node, row);
  payPeriod(context, node, looked);
  changeWeight(state, node.farmId, -(looked.voteWeight ?? 0n));
  moveDue(state, { kind: "book", id: node.id, from: row.dueMs, to: 0 });
  books.delete(state, node.id);
}

export function noteCapacity(state: StateWriter, id: NodeId, total: Resources): void {
  const row = books.get(state, id);
  if (row !== undefined) books.put(state, id, { ...row, least: leastOf(row.least, total) });
}

/** Nine petabytes in one period are all that a book counts: a node that claims more must not keep its users from being billed. */
const most = (before: number, more: number): number => Math.min(Number.MAX_SAFE_INTEGER, before + more);

/** What was billed to users of this node. */
export function noteUse(state: StateWriter, id: NodeId, use: { readonly publicBytes: number; readonly ipv4Ms: number }): void {
  const row = use.publicBytes === 0 && use.ipv4Ms === 0 ? undefined : books.get(state, id);
  if (row !== undefined) books.put(state, id, { ...row, publicBytes: most(row.publicBytes, use.publicBytes), ipv4Ms: most(row.ipv4Ms, use.ipv4Ms) });
}

function payPeriod(context: Context, node: Node, row: Book): void {
  const { state, block, emit } = context;
  const { rewards } = readPolicy(state);
  const period = Math.floor(row.fromMs / rewards.periodMs);
  const farm = requireFarm(state, node.farmId);
  const certified = node.certification === "certified";
  const windowMs = block.timeMs - row.fromMs - stoodSince(state, row.stoodAtFromMs);
  const provenMs = Math.min(windowMs, Math.max(0, row.provenAtLookMs - row.provenAtFromMs));
  const uptimePermille = windowMs === 0 ? 0 : Math.floor((provenMs * 1_000) / windowMs);
  const { publicBytes, ipv4Ms, connectionMicroUsd } = row;
  const figures = { ...cloudUnits(row.least), provenMs, publicBytes, ipv4Ms, certified, connectionMicroUsd };
  const least = certified ? rewards.certifiedMinUptimePermille : rewards.minUptimePermille;
  const earned = rewardUnits({ rewards, ...figures });
  const violated = row.witnesses.length >= rewards.violationWitnesses;
  const room = rewards.supplyCapUnits - readSupply(state).totalUnits;
  const payable = room <= 0n ? 0n : earned < room ? earned : room;
  const outcome = violated ? "violation" : uptimePermille < least ? "low_uptime" : payable < earned ? "supply_cap" : "paid";
  const amountUnits = outcome === "violation" || outcome === "low_uptime" ? 0n : payable;
  const account = payoutOf(state, farm);
  if (amountUnits > 0n) {
    credit(state, account, amountUnits);
    countMinted(state, amountUnits);
  }
  const ids = { nodeId: node.id, farmId: farm.id, account, period };
  const receipts = receiptsOf(node.id);
  receipts.put(state, period, { ...ids, fromMs: row.fromMs, toMs: block.timeMs, uptimePermille, ...figures, outcome, amountUnits });
  receipts.delete(state, Math.max(0, period - MODULE_LIMITS.rewardReceipts));
  emit({ type: "rewards.settled", ...ids, outcome, amountUnits });
}
