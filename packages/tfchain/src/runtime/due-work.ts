/**
 * Time-based work of a block: nodes that fell silent, bills that are due, grace, votes and periods that are over. Bounded; the
 * rest waits. A bug that one entry meets is that entry's trouble alone: nobody signed it, so nobody could be refused, and a
 * chain must not stop for it. All of a block's work is done together first, which costs nothing more; only when that fails,
 * entry by entry, and what fails then is undone, written down and tried again later.
 */
import { GridError } from "@tfgrid/primitives";
import type { ChainEvent } from "../types/events.ts";
import type { FailedWork, FailedWorkId } from "../types/work.ts";
import { type Payouts, payOut } from "./billing/settle.ts";
import type { Context } from "./context.ts";
import { dueWorkCell } from "./due-pace.ts";
import { WORK_RETRY, RUNTIME_LIMITS } from "./limits.ts";
import type { DueHandler } from "./module.ts";
import { nextId } from "./params/store.ts";
import { type DueItem, type DueKind, dueItems, firstDueMs, isQueued, requeue } from "./store/due.ts";
import { overlay } from "./store/overlay.ts";
import { throwIfOfTheMachine, watchWriter } from "./transactions/contain.ts";
import { failedWorkIds, failedWorks, failureOf, itemKey } from "./failed-work/store.ts";

export interface DueWork {
  readonly handlers: Readonly<Record<DueKind, DueHandler>>;
  /** For the log of this machine: the ledger itself keeps only what every machine says in the same words. */
  readonly noteBug: (error: unknown, about: string) => void;
}

/** In a block that `isDue`. */
export function carryOutDue(context: Context, tools: DueWork): void {
  const { state, block } = context;
  const items = dueItems(state, block.timeMs, RUNTIME_LIMITS.dueWorkPerBlock);
  // What failed before will probably fail again.
  const suspect = failedWorks.list(state, { limit: 1 }).length > 0 && items.some((item) => failureOf(state, item) !== undefined);
  const done = suspect ? undefined : attempt(context, (inside) => together(inside, items, tools));
  const work = done?.ok === true ? done.value : oneByOne(context, items, tools);
  // What is left over is not gathered: it goes on in the next block.
  if (work < RUNTIME_LIMITS.dueWorkPerBlock) dueWorkCell.put(state, block.timeMs);
}

function together(context: Context, items: readonly DueItem[], { handlers }: DueWork): number {
  const payouts: Payouts = new Map();
  let work = 0;
  for (const item of items) {
    if (work >= RUNTIME_LIMITS.dueWorkPerBlock) break;
    // What came before may have ended it.
    if (!isQueued(context.state, item)) continue;
    work += handlers[item.kind](context, item.id, payouts);
  }
  payOut(context.state, payouts);
  const leftMs = work < RUNTIME_LIMITS.dueWorkPerBlock ? firstDueMs(context.state) : undefined;
  if (leftMs !== undefined && leftMs <= context.block.timeMs) for (const item of items) requireMoved(context, item);
  return work;
}

function oneByOne(context: Context, items: readonly DueItem[], tools: DueWork): number {
  let work = 0;
  for (const item of items) {
    if (work >= RUNTIME_LIMITS.dueWorkPerBlock) break;
    // What came before may have ended it.
    if (!isQueued(context.state, item)) continue;
    work += oneAlone(context, item, tools);
  }
  return work;
}

function oneAlone(context: Context, item: DueItem, { handlers, noteBug }: DueWork): number {
  const before = failureOf(context.state, item);
  const done = attempt(context, (inside) => {
    const payouts: Payouts = new Map();
    const work = handlers[item.kind](inside, item.id, payouts);
    payOut(inside.state, payouts);
    requireMoved(inside, item);
    return work;
  });
  if (!done.ok) {
    setAside(context, item, reasonOf(done.error));
    noteBug(done.error, `${item.kind} ${item.id}`);
    return 1;
  }
  if (before !== undefined) context.emit({ type: "work.recovered", id: before.id, kind: item.kind, subject: item.id, failures: before.failures });
  return done.value;
}

type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/** All of it or nothing. @throws what came from the machine */
function attempt<T>(context: Context, run: (inside: Context) => T): Outcome<T> {
  const { state, hasFailed } = watchWriter(context.state);
  const inside = overlay(state);
  const events: ChainEvent[] = [];
  let value: T;
  try {
    value = run({ ...context, state: inside, emit: (event) => void events.push(event) });
    inside.commit();
  } catch (error) {
    throwIfOfTheMachine(error, hasFailed());
    return { ok: false, error };
  }
  for (const event of events) context.emit(event);
  return { ok: true, value };
}

/** What stays due would be done again in every block for ever. */
function requireMoved({ state }: Context, item: DueItem): void {
  if (isQueued(state, item)) throw new Error(`${item.kind} ${item.id} is as due after its work as before`);
}

function setAside({ state, block, emit }: Context, item: DueItem, reason: string): void {
  const { kind, id: subject } = item;
  const before = failureOf(state, item);
  const failures = (before?.failures ?? 0) + 1;
  const retryAtMs = block.timeMs + Math.min(WORK_RETRY.maxMs, WORK_RETRY.firstMs * 2 ** Math.min(failures - 1, WORK_RETRY.doublings));
  const id = before?.id ?? nextId<FailedWorkId>(state, "failed-work");
  const row: FailedWork = { id, kind, subject, reason, failures, firstFailedAtMs: before?.firstFailedAtMs ?? block.timeMs, lastFailedAtMs: block.timeMs, retryAtMs };
  requeue(state, item, retryAtMs);
  failedWorks.put(state, id, row);
  failedWorkIds.put(state, itemKey(item), id);
  emit({ type: "work.failed", id, kind, subject, reason, failures, retryAtMs });
}

const MAX_REASON = 200;

/** The words of errors that JavaScript engines make differ from version to version: of those only the kind counts. */
function reasonOf(error: unknown): string {
  return wordsOf(error).replaceAll(/[^\x20-\x7e]/g, "?").slice(0, MAX_REASON);
}

function wordsOf(error: unknown): string {
  if (error instanceof GridError) return `${error.code}: ${error.message}`;
  if (!(error instanceof Error)) return "something that is no error was thrown";
  return error.constructor === Error ? error.message : error.name;
}
