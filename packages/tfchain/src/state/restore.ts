/**
 * A state from a stranger's snapshot. Rows are written chunk by chunk below a marker, then the tree over them; they become the
 * ledger's state by one last write, after its root was compared with the trusted one. Whoever stops before leaves nothing behind: a
 * state is not readable without its version, and what the marker stands for is emptied at the next opening.
 */
import { type GridError, type Hex, bytesToHex } from "@tfgrid/primitives";
import { STATE_LIMITS } from "../limits.ts";
import { ROOT_KEY, VERSION_KEY, beginHistory, pageKey, versionKey } from "./history.ts";
import { stateErrors } from "./errors.ts";
import { claimFormat } from "./format.ts";
import { PARTS, TreeBuilder } from "./build-tree.ts";
import { encodeRoot } from "./pages.ts";
import { type SnapshotInfo, type SnapshotManifest, digestAside, parseManifest, rowsOfChunk } from "./snapshot-format.ts";
import { PieceWriter } from "./piece-writer.ts";
import { Slices } from "./slices.ts";
import { ChunkLeaves, LEAVES, leavesOf } from "./staged-leaves.ts";
import type { Storage, WriteOp } from "./storage.ts";
import { type Leaf, type Node, hashOf } from "./tree.ts";

const MARKER_KEY = "restoring";
const STAGED = ["state", "tree", "history"] as const;

/** As a server offered it: CometBFT's `Snapshot`. */
export interface OfferedSnapshot {
  readonly height: number;
  readonly format: number;
  readonly chunks: number;
  readonly hash: Hex;
  readonly metadata: Uint8Array;
}

/** Of the header that a light client verified. */
export interface TrustedState {
  readonly chainId: string;
  readonly height: number;
  readonly appHash: Hex;
}

export interface RestoreOptions {
  readonly storage: Storage;
  readonly offered: OfferedSnapshot;
  readonly trusted: TrustedState;
}

export interface Restore {
  readonly manifest: SnapshotManifest;
  /** Index of the chunk that is applied next. */
  readonly next: number;
  /**
   * One chunk at a time, in short pieces; others run between them. After any error the chunk may be given again: what is there of
   * it is written over. `signal`: ends the work. @throws GridError snapshot.chunk_*, snapshot.abandoned; the signal's reason
   */
  apply(index: number, chunk: Uint8Array, signal?: AbortSignal): Promise<void>;
  /**
   * Makes the restored state the ledger's, together with what the engine needs beside it (`ops`), in one write. Afterwards
   * `StateStore.reload`. The tree before that write is built in short pieces; others run between them. May be asked again after
   * a disk refused. @throws GridError snapshot.incomplete, snapshot.wrong_root (then nothing is left of it), snapshot.abandoned;
   * the signal's reason
   */
  finish(options?: FinishOptions): Promise<void>;
  /** Gives up, also while it is being finished: empties what was written. */
  abandon(): void;
}

export interface FinishOptions {
  /** Written together with the state. */
  readonly ops?: readonly WriteOp[];
  /** Ends the work; what was written waits for `abandon` or the next opening. */
  readonly signal?: AbortSignal | undefined;
  /** Now and then: of how many rows the tree is built. */
  readonly onProgress?: (rows: number) => void;
}

/** What an interrupted restore wrote is taken away. */
export function clearInterrupted(storage: Storage): void {
  if (storage.get("meta", MARKER_KEY) === undefined) return;
  storage.clear(STAGED);
  storage.write([{ table: "meta", key: MARKER_KEY, value: undefined }]);
}

/** @throws GridError snapshot.format_unknown, snapshot.bad_manifest, snapshot.not_wanted, snapshot.not_empty, chain.format_unknown */
export function beginRestore(options: RestoreOptions): Restore {
  const { storage, offered, trusted } = options;
  const info = parseManifest(offered.metadata, offered.format);
  requireOffered(info, offered);
  requireTrusted(info.manifest, trusted);
  claimFormat(storage);
  if (storage.get("meta", VERSION_KEY) !== undefined) throw stateErrors.fail("snapshot.not_empty");
  storage.clear(STAGED);
  storage.write([{ table: "meta", key: MARKER_KEY, value: Buffer.from(info.hash) }]);
  return new StagedRestore(storage, info.manifest);
}

function requireOffered({ manifest, hash }: SnapshotInfo, offered: OfferedSnapshot): void {
  if (hash === offered.hash && manifest.height === offered.height && manifest.chunkHashes.length === offered.chunks) return;
  throw stateErrors.fail("snapshot.bad_manifest", {
    details: { height: offered.height, describedHeight: manifest.height, chunks: offered.chunks, describedChunks: manifest.chunkHashes.length },
  });
}

function requireTrusted(manifest: SnapshotManifest, trusted: TrustedState): void {
  const { chainId, height, appHash } = manifest;
  if (chainId === trusted.chainId && height === trusted.height && appHash === trusted.appHash) return;
  throw stateErrors.fail("snapshot.not_wanted", {
    details: { chainId, height, appHash, trustedChainId: trusted.chainId, trustedHeight: trusted.height, trustedAppHash: trusted.appHash },
  });
}

class StagedRestore implements Restore {
  readonly manifest: SnapshotManifest;
  readonly #storage: Storage;
  readonly #abandoned = new AbortController();
  #applying = false;
  #next = 0;
  #rows = 0;
  #lastKey = "";

  constructor(storage: Storage, manifest: SnapshotManifest) {
    this.manifest = manifest;
    this.#storage = storage;
  }

  get next(): number {
    return this.#next;
  }

  async apply(index: number, chunk: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (this.#applying) throw this.#outOfOrder(index);
    this.#applying = true;
    try {
      const slices = this.#slices(signal);
      await this.#requireChunk(index, chunk);
      await slices.next();
      await this.#stage(index, chunk, slices);
    } finally {
      this.#applying = false;
    }
  }

  /** Nothing counts before all of it is written: then the next chunk is wanted. */
  async #stage(index: number, chunk: Uint8Array, slices: Slices): Promise<void> {
    const writer = new PieceWriter(this.#storage, slices);
    const leaves = new ChunkLeaves();
    let rows = this.#rows;
    let lastKey = this.#lastKey;
    for (const row of rowsOfChunk(chunk, lastKey)) {
      rows += 1;
      if (rows > this.manifest.rows) {
        throw stateErrors.fail("snapshot.chunk_invalid", { message: `The chunk has more rows than the ${this.manifest.rows} that the snapshot has.` });
      }
      const [key, value] = row;
      lastKey = key;
      leaves.add(row);
      if (writer.add({ table: "state", key, value })) await writer.flush();
    }
    for (const op of leaves.rows(index)) if (writer.add(op)) await writer.flush();
    await writer.flush();
    this.#next += 1;
    this.#rows = rows;
    this.#lastKey = lastKey;
  }

  async #requireChunk(index: number, chunk: Uint8Array): Promise<void> {
    const expected = this.manifest.chunkHashes[this.#next];
    if (index !== this.#next || expected === undefined) throw this.#outOfOrder(index);
    const tooLarge = chunk.length > STATE_LIMITS.snapshotChunkBytes;
    if (!tooLarge && (await digestAside(chunk)) === expected) return;
    throw stateErrors.fail("snapshot.chunk_mismatch", { details: { index, sizeBytes: chunk.length, maxBytes: STATE_LIMITS.snapshotChunkBytes } });
  }

  #outOfOrder(index: number): GridError {
    return stateErrors.fail("snapshot.chunk_out_of_order", { details: { index, next: this.#next, chunks: this.manifest.chunkHashes.length } });
  }

  #slices(signal: AbortSignal | undefined): Slices {
    const abandoned = this.#abandoned.signal;
    return new Slices(signal === undefined ? abandoned : AbortSignal.any([signal, abandoned]));
  }

  async finish(options: FinishOptions = {}): Promise<void> {
    const { height, appHash, chunkHashes, rows } = this.manifest;
    if (this.#next < chunkHashes.length) throw stateErrors.fail("snapshot.incomplete", { details: { next: this.#next, chunks: chunkHashes.length } });
    const slices = this.#slices(options.signal);
    const tree = await this.#buildTree(slices, options.onProgress);
    slices.requireWanted();
    const root = bytesToHex(Buffer.from(hashOf(tree), "latin1"));
    if (root !== appHash || this.#rows !== rows) {
      this.abandon();
      throw stateErrors.fail("snapshot.wrong_root", { details: { height, restored: root, trusted: appHash } });
    }
    const rootBytes = encodeRoot(tree);
    this.#storage.clear([LEAVES]);
    this.#storage.write([
      { table: "meta", key: ROOT_KEY, value: rootBytes },
      { table: "meta", key: VERSION_KEY, value: Buffer.from(String(height)) },
      { table: "history", key: pageKey({ version: height, path: "/root" }), value: rootBytes },
      beginHistory(height),
      { table: "meta", key: MARKER_KEY, value: undefined },
      ...(options.ops ?? []),
    ]);
  }

  async #buildTree(slices: Slices, onProgress: FinishOptions["onProgress"]): Promise<Node> {
    const prefix = versionKey(this.manifest.height);
    const writer = new PieceWriter(this.#storage, slices);
    const page = (path: string, value: Uint8Array): void => void writer.add({ table: "tree", key: prefix + path, value });
    // A tree that is new as a whole replaces nothing.
    const builder = new TreeBuilder({ version: this.manifest.height, store: { page, stale: () => undefined } });
    let rows = 0;
    for (let part = 0; part < PARTS; part += 1) {
      for (const leaves of await leavesOf(this.#storage, part, slices)) {
        builder.add(leaves.sort(byKeyHash));
        rows += leaves.length;
        if (writer.full) await writer.flush();
        else await slices.pause();
      }
      builder.endPart(part);
      onProgress?.(rows);
    }
    const root = builder.end();
    await writer.flush();
    return root;
  }

  abandon(): void {
    this.#abandoned.abort(stateErrors.fail("snapshot.abandoned"));
    clearInterrupted(this.#storage);
  }
}

const byKeyHash = (a: Leaf, b: Leaf): number => (a.keyHash < b.keyHash ? -1 : 1);
