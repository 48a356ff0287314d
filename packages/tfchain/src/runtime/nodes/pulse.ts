/**
 * How the ledger notices that it stood still itself (its machine was off, its program was killed): two marks of time further
 * apart than the engine ever lets them be. A function of the blocks alone, so that every validator sees the same standstills.
 */
import { s } from "@tfgrid/primitives";
import type { StateReader } from "../api.ts";
import type { Context } from "../context.ts";
import { nextDueWorkMs } from "../due-pace.ts";
import { PULSE } from "../limits.ts";
import { readParams } from "../params/store.ts";
import { cell } from "../store/table.ts";

export const pulseCell = cell(
  "meta/pulse",
  s.struct({
    /** Of the newest block that left its mark. */
    lastBlockMs: s.uint(),
    /** When the chain made blocks again after its last standstill; 0: it never stood still. */
    resumedMs: s.uint(),
    /** All standstills together. */
    stoodMs: s.optional(s.uint()),
  }),
);

export const lastStandstillEndMs = (state: StateReader): number => pulseCell.get(state)?.resumedMs ?? 0;

/** How long the chain has stood still since it began. */
export const stoodMs = (state: StateReader): number => pulseCell.get(state)?.stoodMs ?? 0;

/**
 * At the beginning of every block, before anything asks who is up. A block in which nothing happens leaves the state as it is
 * until a part of the interval has passed: CometBFT makes another block at once after each that changes the state.
 */
export function beat({ state, block }: Context, happens: boolean): void {
  const last = pulseCell.get(state);
  const pauseMs = last === undefined ? 0 : block.timeMs - last.lastBlockMs;
  if (last !== undefined && !happens && pauseMs < portion(state, PULSE.atMost)) return;
  const stood = pauseMs > portion(state, PULSE.standstill);
  const total = (last?.stoodMs ?? 0) + (stood ? pauseMs : 0);
  pulseCell.put(state, { lastBlockMs: block.timeMs, resumedMs: stood ? block.timeMs : (last?.resumedMs ?? 0), stoodMs: total });
}

/** With every transaction: a block that holds one is the newest that something happened in. After `beat` of the same block. */
export function touch({ state, block }: Pick<Context, "state" | "block">): void {
  const last = pulseCell.get(state);
  if (last !== undefined && last.lastBlockMs !== block.timeMs) pulseCell.put(state, { ...last, lastBlockMs: block.timeMs });
}

/** When the next block is wanted without any transaction: for what is due, and while anything waits, as a sign of life. */
export function nextBlockMs(state: StateReader): number | undefined {
  const dueMs = nextDueWorkMs(state);
  const last = pulseCell.get(state);
  if (dueMs === undefined || last === undefined) return dueMs;
  return Math.min(dueMs, last.lastBlockMs + portion(state, PULSE.atLeast));
}

const portion = (state: StateReader, percent: number): number => Math.floor((readParams(state).heartbeatIntervalMs * percent) / 100);

/** Time of the newest block in which something happened, or of a later one: what reads mean by "now". */
export const readBlockTimeMs = (state: StateReader): number => pulseCell.get(state)?.lastBlockMs ?? 0;
