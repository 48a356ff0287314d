/**
 * The fee rises smoothly while blocks are more than half full and falls back to its floor when they are not: whoever floods
 * the ledger pays for it, everybody else waits a little or pays a little more.
 */
import { s } from "@tfgrid/primitives";
import type { FeeView } from "../../types/ledger.ts";
import type { StateReader, StateWriter } from "../api.ts";
import type { Context } from "../context.ts";
import { MODULE_LIMITS } from "../limits.ts";
import { readBlockTimeMs } from "../nodes/pulse.ts";
import { readParams } from "../params/store.ts";
import { readPolicy } from "../policy/store.ts";
import { cell } from "../store/table.ts";

const FLOOR = 1_000;
/** ln 2 in thousandths: growth by this part of itself, compounded over many blocks, is doubling. */
const LN2_PERMILLE = 693n;
/** Thousandths of thousandths: at 50 ms a block the steps are small. */
export const feeMultiplierCell = cell("meta/fee", s.uint({ min: FLOOR * 1_000 }));
export const loadCell = cell("meta/load", s.struct({ height: s.uint(), transactions: s.uint(), bytes: s.uint() }));

const multiplier = (state: StateReader): number => feeMultiplierCell.get(state) ?? FLOOR * 1_000;

/** Rounded up to a whole unit. */
export function feeOf(state: StateReader, sizeBytes: number): bigint {
  const { feeBaseUnits, feePerByteUnits } = readParams(state);
  const scale = BigInt(FLOOR) * 1_000n;
  return ((feeBaseUnits + feePerByteUnits * BigInt(sizeBytes)) * BigInt(multiplier(state)) + scale - 1n) / scale;
}

export function feeView(state: StateReader): FeeView {
  const { feeBaseUnits: baseUnits, feePerByteUnits: perByteUnits } = readParams(state);
  return { baseUnits, perByteUnits, multiplierPermille: Math.ceil(multiplier(state) / 1_000) };
}

/** Only what was paid for: nodes' free reports have their own limit and make nothing dearer. */
export function countLoad(state: StateWriter, height: number, sizeBytes: number): void {
  const { transactions, bytes } = loadOf(state, height);
  loadCell.put(state, { height, transactions: transactions + 1, bytes: bytes + sizeBytes });
}

function loadOf(state: StateReader, height: number): { readonly transactions: number; readonly bytes: number } {
  const row = loadCell.get(state);
  return row?.height === height ? row : { transactions: 0, bytes: 0 };
}

/** At the beginning of a block, by what the block before it held, before the pulse is moved on. Answers whether it moved. */
export function adjustFee({ state, block }: Context): boolean {
  const load = loadOf(state, block.height - 1);
  const now = multiplier(state);
  const over = excessPermille(state, load);
  if (over <= 0 && now === FLOOR * 1_000) return false;
  const { doublingMs, maxMultiplierPermille } = readPolicy(state).fee;
  const elapsedMs = Math.min(doublingMs, Math.max(0, block.timeMs - readBlockTimeMs(state)));
  const delta = (BigInt(now) * BigInt(over) * BigInt(elapsedMs) * LN2_PERMILLE) / (1_000_000n * BigInt(doublingMs));
  const next = Math.min(maxMultiplierPermille * 1_000, Math.max(FLOOR * 1_000, now + Number(delta)));
  if (next === now) return false;
  feeMultiplierCell.put(state, next);
  return true;
}

/** -1,000 for an empty block, 0 at the target, at most 1,000 for a full one. */
function excessPermille(state: StateReader, load: { readonly transactions: number; readonly bytes: number }): number {
  const fill = Math.max(load.bytes / readPolicy(state).fee.targetBlockBytes, load.transactions / MODULE_LIMITS.targetBlockTxs);
  return Math.min(1_000, Math.floor(fill * 1_000) - 1_000);
}
