/**
 * When time-based work is done: as soon as it is due, unless some was done just before; then what falls due meanwhile is gathered.
 * A rule of the ledger and not of an engine, so that it holds however often blocks are made. What is billed does not depend on
 * it: a bill counts the time until its own block, and the next one goes on from there.
 */
import { s } from "@tfgrid/primitives";
import type { StateReader } from "./api.ts";
import type { Context } from "./context.ts";
import { GATHER } from "./limits.ts";
import { readParams } from "./params/store.ts";
import { firstDueMs } from "./store/due.ts";
import { cell } from "./store/table.ts";

/** Time of the newest block that did all time-based work there was. */
export const dueWorkCell = cell("meta/due-work", s.uint());

/** ms. For how long work, and transactions that nobody waits for, are gathered. */
export const gatherMs = (state: StateReader): number =>
  Math.min(GATHER.maxMs, Math.floor((readParams(state).heartbeatIntervalMs * GATHER.percentOfHeartbeat) / 100));

/** undefined: nothing will ever be due as things are. */
export function nextDueWorkMs(state: StateReader): number | undefined {
  const lastMs = dueWorkCell.get(state);
  return firstDueMs(state, lastMs === undefined ? 0 : lastMs + gatherMs(state));
}

/** Whether this block does time-based work. */
export const isDue = ({ state, block }: Pick<Context, "state" | "block">): boolean => (nextDueWorkMs(state) ?? Number.POSITIVE_INFINITY) <= block.timeMs;
