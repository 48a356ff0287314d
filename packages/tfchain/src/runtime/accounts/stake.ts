/**
 * Explicit stake: money locked by its owner's will, and what it takes off the owner's bills. A level counts when its time was
 * chosen and the stake covers that many months of all that the twin spends: many small contracts cannot share one balance.
 */
import { type TwinId, s } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type Discount, type Stake, stake } from "../../types/ledger.ts";
import type { StateReader, StateWriter } from "../api.ts";
import type { CallContext, CallOf } from "../context.ts";
import { MS_PER_HOUR } from "../limits.ts";
import { readPolicy } from "../policy/store.ts";
import { cell, table } from "../store/table.ts";
import { actingTwin } from "../twins/store.ts";
import { creditHeld, debit, release } from "./store.ts";

export const stakes = table<TwinId, Stake>({ prefix: "stake", schema: stake });
/** Sum of all stakes: what a vote's quorum is measured by. */
export const stakedCell = cell("meta/staked", s.units());
export const readStaked = (state: StateReader): bigint => stakedCell.get(state) ?? 0n;

/** Sum of the hourly prices of a twin's active contracts, its solutions' parts among them. */
export const spends = table<TwinId, bigint>({ prefix: "spend", schema: s.units() });
export const readSpend = (state: StateReader, id: TwinId): bigint => spends.get(state, id) ?? 0n;

export function changeSpend(state: StateWriter, id: TwinId, deltaUnits: bigint): void {
  if (deltaUnits === 0n) return;
  const next = readSpend(state, id) + deltaUnits;
  // Below 0 only in a state older than this count: what was never added is not taken away.
  if (next <= 0n) spends.delete(state, id);
  else spends.put(state, id, next);
}

/** Rounded up to whole units: a stake that falls short by a fraction does not cover. */
export function coverUnits(spendPerHourUnits: bigint, halfMonths: number, monthMs: number): bigint {
  const ms = spendPerHourUnits * BigInt(halfMonths) * BigInt(monthMs);
  const unit = 2n * BigInt(MS_PER_HOUR);
  return (ms + unit - 1n) / unit;
}

export const discountOf = (state: StateReader, id: TwinId, nowMs: number): Discount => ({
  percent: discountPercent(state, id, nowMs),
  spendPerHourUnits: readSpend(state, id),
});

export function discountPercent(state: StateReader, id: TwinId, nowMs: number): number {
  const row = stakes.get(state, id);
  if (row === undefined || nowMs >= row.unlocksAtMs) return 0;
  const spendPerHourUnits = readSpend(state, id);
  const { monthMs, levels } = readPolicy(state).stake;
  const reached = levels.filter(
    ({ halfMonths }, index) => index <= row.level && row.amountUnits >= coverUnits(spendPerHourUnits, halfMonths, monthMs),
  );
  return Math.max(0, ...reached.map(({ discountPercent: percent }) => percent));
}

export function stakeMore(context: CallContext, { amountUnits, level }: CallOf<"accounts.stake">): void {
  const { state, block, emit } = context;
  const twin = actingTwin(context);
  const { monthMs, levels } = readPolicy(state).stake;
  const chosen = levels[level];
  if (chosen === undefined) throw runtimeErrors.fail("accounts.no_such_level", { details: { level, levels: levels.length } });
  const before = stakes.get(state, twin.id);
  const total = (before?.amountUnits ?? 0n) + amountUnits;
  if (total === 0n) throw runtimeErrors.fail("accounts.no_stake", { details: { twinId: twin.id } });
  const unlocksAtMs = block.timeMs + Math.floor((chosen.halfMonths * monthMs) / 2);
  if (before !== undefined && unlocksAtMs < before.unlocksAtMs) {
    throw runtimeErrors.fail("accounts.stake_too_short", {
      message: `The stake of twin ${twin.id} is locked until ${before.unlocksAtMs}; level ${level} would end at ${unlocksAtMs}.`,
      details: { twinId: twin.id, unlocksAtMs: before.unlocksAtMs, wantedUnlocksAtMs: unlocksAtMs },
    });
  }
  debit(state, twin.account, amountUnits);
  creditHeld(state, twin.account, amountUnits);
  stakedCell.put(state, readStaked(state) + amountUnits);
  stakes.put(state, twin.id, { twinId: twin.id, amountUnits: total, level, sinceMs: block.timeMs, unlocksAtMs });
  emit({ type: "accounts.staked", twinId: twin.id, amountUnits: total, level, unlocksAtMs });
}

export function unstake(context: CallContext): void {
  const { state, block, emit } = context;
  const twin = actingTwin(context);
  const row = stakes.get(state, twin.id);
  if (row === undefined) throw runtimeErrors.fail("accounts.no_stake", { details: { twinId: twin.id } });
  if (block.timeMs < row.unlocksAtMs) {
    throw runtimeErrors.fail("accounts.stake_locked", {
      message: `The stake of twin ${twin.id} is locked until ${row.unlocksAtMs}.`,
      details: { twinId: twin.id, unlocksAtMs: row.unlocksAtMs },
    });
  }
  release(state, twin.account, row.amountUnits);
  stakedCell.put(state, readStaked(state) - row.amountUnits);
  stakes.delete(state, twin.id);
  emit({ type: "accounts.unstaked", twinId: twin.id, amountUnits: row.amountUnits });
}
