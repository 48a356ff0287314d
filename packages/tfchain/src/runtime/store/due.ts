/**
 * The due queue: what must happen at a time, ordered by time. Each thing has at most one entry and remembers when it is. Entries
 * of one second and of ids that follow each other share a row: what was made together is due together, and a block that moves
 * a hundred of them by an hour writes two rows.
 */
import { decodeTrusted, s } from "@tfgrid/primitives";
import type { WorkKind } from "../../types/work.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { failedWorkIds, failedWorks, failureOf, itemKey } from "../failed-work/store.ts";
import { padId, table } from "./table.ts";

export type DueKind = WorkKind;

export interface DueItem {
  readonly timeMs: number;
  readonly kind: DueKind;
  readonly id: number;
}

const SPAN_MS = 1_000;
/** After the last second: digits come before it. */
const END = ":";
/** Ids of one row: some 200 bytes at most. */
const SPAN_IDS = 64;

/** Of each entry, milliseconds within the second times `SPAN_IDS`, and the place of its id; ascending. Rows: `due/SECOND/KIND/IDS`. */
export const dueRows = table<string, readonly number[]>({
  prefix: "due",
  schema: s.list(s.uint({ max: SPAN_MS * SPAN_IDS - 1 }), { min: 1, max: SPAN_IDS }),
});

/** Names an entry, for those who compare. */
export const dueName = ({ timeMs, kind, id }: DueItem): string => `${kind} ${id} at ${timeMs}`;
const rowOf = ({ timeMs, kind, id }: DueItem): string => `${padId(Math.floor(timeMs / SPAN_MS))}/${kind}/${padId(Math.floor(id / SPAN_IDS))}`;
const entryOf = ({ timeMs, id }: DueItem): number => (timeMs % SPAN_MS) * SPAN_IDS + (id % SPAN_IDS);

/** Moves an entry from one time to another; 0 stands for "no entry". What had been set aside is dealt with by that. */
export function moveDue(
  state: StateWriter,
  entry: { readonly kind: DueKind; readonly id: number; readonly from: number; readonly to: number },
): void {
  const { kind, id, from, to } = entry;
  if (from === to) return;
  if (from !== 0 && !remove(state, { timeMs: from, kind, id })) forgetFailure(state, { kind, id });
  if (to !== 0) add(state, { timeMs: to, kind, id });
}

/** As it stands in the queue, and the thing itself does not hear of it: a work that failed is put off. */
export function requeue(state: StateWriter, item: DueItem, to: number): void {
  remove(state, item);
  add(state, { ...item, timeMs: to });
}

export const isQueued = (state: StateReader, item: DueItem): boolean => dueRows.get(state, rowOf(item))?.includes(entryOf(item)) === true;

/** Whether it was there. */
function remove(state: StateWriter, item: DueItem): boolean {
  const row = rowOf(item);
  const gone = entryOf(item);
  const before = dueRows.get(state, row) ?? [];
  const rest = before.filter((entry) => entry !== gone);
  if (rest.length === before.length) return false;
  if (rest.length === 0) dueRows.delete(state, row);
  else dueRows.put(state, row, rest);
  return true;
}

function forgetFailure(state: StateWriter, item: Pick<DueItem, "kind" | "id">): void {
  const row = failureOf(state, item);
  if (row === undefined) return;
  remove(state, { ...item, timeMs: row.retryAtMs });
  failedWorks.delete(state, row.id);
  failedWorkIds.delete(state, itemKey(item));
}

function add(state: StateWriter, item: DueItem): void {
  const row = rowOf(item);
  const own = entryOf(item);
  const others = dueRows.get(state, row) ?? [];
  const before = others.findIndex((entry) => entry >= own);
  if (before !== -1 && others[before] === own) return;
  dueRows.put(state, row, before === -1 ? [...others, own] : others.toSpliced(before, 0, own));
}

function* itemsOf(key: string, entries: readonly number[]): Iterable<DueItem> {
  const [, second = "", kind = "", ids = ""] = key.split("/");
  for (const entry of entries) {
    yield { timeMs: Number(second) * SPAN_MS + Math.floor(entry / SPAN_IDS), kind: kind as DueKind, id: Number(ids) * SPAN_IDS + (entry % SPAN_IDS) };
  }
}

const inOrder = (a: DueItem, b: DueItem): number => a.timeMs - b.timeMs || (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.id - b.id);

/** Entries by the second, each second's in order of time, kind and id. */
function* seconds(state: StateReader, beforeSecond: string): Iterable<DueItem[]> {
  let items: DueItem[] = [];
  let second = "";
  for (const [key, bytes] of state.range({ gte: "due/", lt: `due/${beforeSecond}` })) {
    const own = key.slice(0, key.indexOf("/", "due/".length));
    if (own !== second && items.length > 0) {
      yield items.sort(inOrder);
      items = [];
    }
    second = own;
    items.push(...itemsOf(key, decodeTrusted(dueRows.schema, bytes)));
  }
  if (items.length > 0) yield items.sort(inOrder);
}

/** Entries due at `nowMs`, the oldest first. */
export function dueItems(state: StateReader, nowMs: number, limit: number): DueItem[] {
  const due: DueItem[] = [];
  for (const items of seconds(state, padId(Math.floor(nowMs / SPAN_MS) + 1))) {
    due.push(...items.filter(({ timeMs }) => timeMs <= nowMs));
    if (due.length >= limit) break;
  }
  return due.slice(0, limit);
}

/** Time of the first entry, or `notBeforeMs` when that is later. */
export function firstDueMs(state: StateReader, notBeforeMs = 0): number | undefined {
  for (const [key] of state.range({ gte: "due/", lt: "due0", limit: 1 })) {
    const endMs = (Number(key.split("/")[1]) + 1) * SPAN_MS;
    // Most often asked right after work was done, when the answer is known without a look at the entries of a second.
    if (endMs <= notBeforeMs) return notBeforeMs;
  }
  for (const items of seconds(state, END)) return Math.max(notBeforeMs, (items[0] as DueItem).timeMs);
  return undefined;
}
