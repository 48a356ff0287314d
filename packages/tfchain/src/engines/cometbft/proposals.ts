/** What goes into a block, what may stand in one, and what a block says beside its transactions. Pure. */
import { create } from "@bufbuild/protobuf";
import { bytesToHex, hexToBytes } from "@tfgrid/primitives";
import { COMET_LIMITS } from "../../limits.ts";
import type { BlockContext, DecodedTx } from "../../runtime/api.ts";
import type { ValidatorUpdate } from "../../runtime/validators/change.ts";
import { type MisbehaviourReport, misbehaviourReport } from "../../types/validators.ts";
import type { Verdict } from "./known-txs.ts";
import * as abci from "./wire/index.ts";

const NS_PER_MS = 1_000_000;
/** Bytes that protobuf needs around one transaction, at most: tag and length. */
const TX_OVERHEAD_BYTES = 8;

export interface PickOptions {
  readonly txs: readonly Uint8Array[];
  readonly verdicts: readonly Verdict[];
  /** What cometbft leaves room for. */
  readonly maxBytes: number;
  readonly maxTxBytes: number;
  /** Would it be taken after those that were picked before it? */
  readonly fits: (decoded: DecodedTx) => boolean;
}

/** In order of arrival; what cannot be carried out any more (number used, expired, no money) is left out. */
export function pickTxs({ txs, verdicts, maxBytes, maxTxBytes, fits }: PickOptions): Uint8Array[] {
  const picked: Uint8Array[] = [];
  let bytes = 0;
  for (const [index, tx] of txs.entries()) {
    const verdict = verdicts[index];
    if (verdict?.ok !== true || tx.length > maxTxBytes) continue;
    const next = bytes + tx.length;
    if (picked.length >= COMET_LIMITS.blockTxs || next > COMET_LIMITS.blockBytes) break;
    if (next + (picked.length + 1) * TX_OVERHEAD_BYTES > maxBytes) break;
    if (!fits(verdict.decoded)) continue;
    picked.push(tx);
    bytes = next;
  }
  return picked;
}

/** Bounds of a block: consensus, not taste. */
export function withinBounds(txs: readonly Uint8Array[], maxTxBytes: number): boolean {
  const bytes = txs.reduce((sum, tx) => sum + tx.length, 0);
  return txs.length <= COMET_LIMITS.blockTxs && bytes <= COMET_LIMITS.blockBytes && txs.every((tx) => tx.length <= maxTxBytes);
}

interface Timestamp {
  readonly seconds: bigint;
  readonly nanos: number;
}

const msOf = (time: Timestamp | undefined): number => (time === undefined ? 0 : Number(time.seconds) * 1_000 + Math.floor(time.nanos / NS_PER_MS));

/** Whole milliseconds, never before the block before: two blocks may fall into one of them. */
export const timeMsOf = (time: Timestamp | undefined, beforeMs: number): number => Math.max(beforeMs, msOf(time));

const KINDS: Readonly<Record<abci.MisbehaviorType, MisbehaviourReport["kind"]>> = {
  [abci.MisbehaviorType.UNKNOWN]: "unknown",
  [abci.MisbehaviorType.DUPLICATE_VOTE]: "duplicate_vote",
  [abci.MisbehaviorType.LIGHT_CLIENT_ATTACK]: "light_client_attack",
};

export function misbehaviourOf(offences: readonly abci.Misbehavior[]): Pick<BlockContext, "misbehaviour"> {
  if (offences.length === 0) return {};
  const misbehaviour = offences.map(({ type, validator, height, time, totalVotingPower }) =>
    misbehaviourReport.fromJson({
      kind: KINDS[type] ?? "unknown",
      address: bytesToHex(validator?.address ?? new Uint8Array()),
      power: Number(validator?.power ?? 0n),
      totalPower: Number(totalVotingPower),
      height: Number(height),
      timeMs: msOf(time),
    }),
  );
  return { misbehaviour };
}

export const updatesOf = (updates: readonly ValidatorUpdate[]): abci.ValidatorUpdate[] =>
  updates.map(({ publicKey, power }) =>
    create(abci.ValidatorUpdateSchema, { pubKey: { sum: { case: "ed25519", value: hexToBytes(publicKey) } }, power: BigInt(power) }),
  );
