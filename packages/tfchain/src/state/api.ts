/** What the state offers to engines, RPC and light clients. */
import type { Hex } from "@tfgrid/primitives";
import type { StateProof } from "../light/merkle.ts";
import type { StateReader, StateWriter } from "../runtime/api.ts";
import type { WriteOp } from "./storage.ts";

export interface SealedDraft {
  /** Height of the block that this is the state after. */
  readonly version: number;
  readonly root: Hex;
  readonly ops: readonly WriteOp[];
  /** To be called when `ops` are written, at once: from then on reads and proofs are of the new version. */
  adopt(): void;
}

export interface StateDraft extends StateWriter {
  /** `version`: the block's height; by default the one after the committed version (0 for the genesis). */
  seal(version?: number): SealedDraft;
}

/** `value` undefined: a proof of absence. */
export interface Proven {
  readonly value: Uint8Array | undefined;
  readonly proof: StateProof;
}

/** A proof that `proveAt` made: of the state after the block of height `version`, whose root is `root`. */
export interface ProvenAt extends Proven {
  readonly version: number;
  readonly root: Hex;
}

export interface StateStore extends StateReader {
  /** Of the committed version. */
  readonly root: Hex;
  /** Height of the block that the committed state is after; -1 before the genesis is committed. */
  readonly version: number;
  /** Oldest version that `proveAt` and `rootAt` answer for. */
  readonly firstVersion: number;
  draft(): StateDraft;
  /** Of the committed version. */
  prove(key: string): Proven;
  /** @throws GridError chain.state_pruned, chain.height_unknown */
  proveAt(version: number, key: string): ProvenAt;
  /** @throws GridError chain.state_pruned, chain.height_unknown */
  rootAt(version: number): Hex;
  /** To be called when a restore has ended: from then on everything is of what it brought. */
  reload(): void;
}

export interface StateOptions {
  /** Newest versions that stay provable, the committed one among them: at most `STATE_LIMITS.provenVersions` (the default), at least 2. */
  readonly retainedVersions?: number;
}
