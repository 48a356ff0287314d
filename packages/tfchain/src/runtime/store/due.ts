/** The due queue: what must happen at a time, ordered by time. Each thing has at most one entry and remembers when it is. */
import type { StateReader, StateWriter } from "../api.ts";
import { padId } from "./table.ts";

export const DUE_KINDS = ["book", "contract", "node", "proposal", "solution"] as const;
export type DueKind = (typeof DUE_KINDS)[number];

export interface DueItem {
  readonly timeMs: number;
  readonly kind: DueKind;
  readonly id: number;
}

const PRESENT = new Uint8Array([0xf6]);

export const dueKey = (item: DueItem): string => `due/${padId(item.timeMs)}/${item.kind}/${padId(item.id)}`;

/** Moves an entry from one time to another; 0 stands for "no entry". */
export function moveDue(
  state: StateWriter,
  entry: { readonly kind: DueKind; readonly id: number; readonly from: number; readonly to: number },
): void {
  const { kind, id, from, to } = entry;
  if (from === to) return;
  if (from !== 0) state.delete(dueKey({ timeMs: from, kind, id }));
  if (to !== 0) state.set(dueKey({ timeMs: to, kind, id }), PRESENT);
}

function parse(key: string): DueItem {
  const [, time = "", kind = "", id = ""] = key.split("/");
  return { timeMs: Number(time), kind: kind as DueKind, id: Number(id) };
}

/** Entries due at `nowMs`, the oldest first. */
export function dueItems(state: StateReader, nowMs: number, limit: number): DueItem[] {
  const lt = `due/${padId(nowMs + 1)}`;
  return Array.from(state.range({ gte: "due/", lt, limit }), ([key]) => parse(key));
}

export function firstDueMs(state: StateReader): number | undefined {
  for (const [key] of state.range({ gte: "due/", lt: "due0", limit: 1 })) return parse(key).timeMs;
  return undefined;
}
