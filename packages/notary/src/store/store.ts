/** Where documents are kept. What was acknowledged survives `kill -9` and power loss. */
import type { AccountId, CidText, Hex, TwinId } from "@tfgrid/primitives";

export interface DocumentRecord {
  readonly author: TwinId;
  readonly readers: readonly TwinId[];
  readonly signatures: readonly { readonly twinId: TwinId; readonly account: AccountId; readonly signature: Hex }[];
  readonly sizeBytes: number;
  readonly kind: string;
  readonly storedAtMs: number;
  /** When a sweep first found that nothing on the chain names it; null: named, or not looked at yet. */
  readonly unnamedSinceMs: number | null;
}

export interface Usage {
  readonly documents: number;
  readonly bytes: number;
}

/** What the last sweep saw, so that a chain that is behind or another one never leads to deletion. */
export interface SweepMark {
  readonly chainId: string;
  readonly height: number;
}

export interface DocumentStore {
  record(cid: CidText): DocumentRecord | undefined;
  bytes(cid: CidText): Uint8Array | undefined;
  usage(author: TwinId): Usage;
  /** Cids in order, `after` exclusive. */
  list(options: { readonly after?: CidText; readonly limit: number }): readonly CidText[];
  count(): number;
  /**
   * Reads, decides and writes as one atomic step; resolves when it is on disk. `change` returns undefined to leave all as it is,
   * null to delete. `bytes` are written when there is no document yet.
   */
  update(cid: CidText, change: (current: DocumentRecord | undefined) => Change | undefined | null): Promise<void>;
  mark(): SweepMark | undefined;
  setMark(mark: SweepMark): Promise<void>;
  close(): Promise<void>;
}

export interface Change {
  readonly record: DocumentRecord;
  readonly bytes?: Uint8Array;
}
