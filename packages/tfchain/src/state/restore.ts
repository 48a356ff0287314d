/**
 * A state from a stranger's snapshot. Rows are written chunk by chunk below a marker, then the tree over them; they become the
 * ledger's state by one last write, after its root was compared with the trusted one. Whoever stops before leaves nothing behind: a
 * state is not readable without its version, and what the marker stands for is emptied at the next opening.
 */
import { hash } from "node:crypto";
import { type Hex, bytesToHex } from "@tfgrid/primitives";
import { STATE_LIMITS } from "../limits.ts";
import { ROOT_KEY, VERSION_KEY, beginHistory, pageKey, versionKey } from "./history.ts";
import { stateErrors } from "./errors.ts";
import { claimFormat } from "./format.ts";
import { PARTS, TreeBuilder, partOf, subtreeOf } from "./build-tree.ts";
import { encodeRoot } from "./pages.ts";
import { type Row, type SnapshotInfo, type SnapshotManifest, parseManifest, unpackChunk } from "./snapshot-format.ts";
import { Slices } from "./slices.ts";
import type { Storage, WriteOp } from "./storage.ts";
import { type Leaf, type Node, digest, digestOfKey, hashOf } from "./tree.ts";

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
  /** After any error the chunk may be given again; nothing of it was kept. @throws GridError snapshot.chunk_* */
  apply(index: number, chunk: Uint8Array): void;
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

  apply(index: number, chunk: Uint8Array): void {
    this.#requireChunk(index, chunk);
    const rows = unpackChunk(chunk, this.#lastKey);
    if (this.#rows + rows.length > this.manifest.rows) {
      throw stateErrors.fail("snapshot.chunk_invalid", { message: `The chunk has more rows than the ${this.manifest.rows} that the snapshot has.` });
    }
    // A tree that grew with every chunk would write each of its pages many times: leaves wait, dealt out by their first byte.
    this.#storage.write([...rows.map(([key, value]): WriteOp => ({ table: "state", key, value })), ...leafOps(rows, index)]);
    this.#next += 1;
    this.#rows += rows.length;
    this.#lastKey = (rows.at(-1) as Row)[0];
  }

  #requireChunk(index: number, chunk: Uint8Array): void {
    const expected = this.manifest.chunkHashes[this.#next];
    if (index !== this.#next || expected === undefined) {
      throw stateErrors.fail("snapshot.chunk_out_of_order", { details: { index, next: this.#next, chunks: this.manifest.chunkHashes.length } });
    }
    const tooLarge = chunk.length > STATE_LIMITS.snapshotChunkBytes;
    if (!tooLarge && hash("sha256", chunk) === expected) return;
    throw stateErrors.fail("snapshot.chunk_mismatch", { details: { index, sizeBytes: chunk.length, maxBytes: STATE_LIMITS.snapshotChunkBytes } });
  }

  async finish(options: FinishOptions = {}): Promise<void> {
    const { height, appHash, chunkHashes, rows } = this.manifest;
    if (this.#next < chunkHashes.length) throw stateErrors.fail("snapshot.incomplete", { details: { next: this.#next, chunks: chunkHashes.length } });
    const tree = await this.#buildTree(options);
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

  async #buildTree({ signal, onProgress }: FinishOptions): Promise<Node> {
    const abandoned = this.#abandoned.signal;
    const slices = new Slices(signal === undefined ? abandoned : AbortSignal.any([signal, abandoned]));
    const prefix = versionKey(this.manifest.height);
    let pages: WriteOp[] = [];
    const flush = (): void => {
      if (pages.length > 0) this.#storage.write(pages);
      pages = [];
    };
    const page = (path: string, value: Uint8Array): void => void pages.push({ table: "tree", key: prefix + path, value });
    // A tree that is new as a whole replaces nothing.
    const builder = new TreeBuilder({ version: this.manifest.height, store: { page, stale: () => undefined } });
    let rows = 0;
    for (let part = 0; part < PARTS; part += 1) {
      for (const leaves of await leavesOf(this.#storage, part, slices)) {
        builder.add(leaves.sort(byKeyHash));
        rows += leaves.length;
        if (pages.length >= STATE_LIMITS.restorePagesPerWrite) flush();
        await slices.pause();
      }
      builder.endPart(part);
      onProgress?.(rows);
    }
    const root = builder.end();
    flush();
    return root;
  }

  abandon(): void {
    this.#abandoned.abort(stateErrors.fail("snapshot.abandoned"));
    clearInterrupted(this.#storage);
  }
}

/** No history exists before a restore has ended: its table is where the leaves wait, in rows by first byte and chunk. */
const LEAVES = "history";
/** Key hash and value hash. */
const LEAF_BYTES = 64;
const partKey = (part: number): string => part.toString(16).padStart(2, "0");

function leafOps(rows: readonly Row[], chunk: number): WriteOp[] {
  const parts = Array.from({ length: PARTS }, (): string[] => []);
  for (const [key, value] of rows) {
    const keyHash = digestOfKey(key);
    parts[partOf({ keyHash })]?.push(keyHash + digest(value));
  }
  return parts.flatMap((part, index) => {
    const key = `${partKey(index)}/${versionKey(chunk)}`;
    return part.length === 0 ? [] : [{ table: LEAVES, key, value: Buffer.from(part.join(""), "latin1") }];
  });
}

const byKeyHash = (a: Leaf, b: Leaf): number => (a.keyHash < b.keyHash ? -1 : 1);

/** The leaves of one part, by subtree: one of 256 parts is in memory at a time. */
async function leavesOf(storage: Storage, part: number, slices: Slices): Promise<readonly Leaf[][]> {
  const subtrees = new Map<number, Leaf[]>();
  const prefix = partKey(part);
  for (let from = `${prefix}/`; ; ) {
    const [next] = storage.range(LEAVES, { gte: from, lt: `${prefix}0`, limit: 1 });
    if (next === undefined) break;
    const [key, row] = next;
    deal(row, subtrees);
    // Read anew from here: no iterator stays open while others run.
    from = `${key}\0`;
    await slices.pause();
  }
  return [...subtrees.keys()].sort((a, b) => a - b).map((index) => subtrees.get(index) as Leaf[]);
}

function deal(row: Uint8Array, subtrees: Map<number, Leaf[]>): void {
  const text = Buffer.from(row.buffer, row.byteOffset, row.byteLength).toString("latin1");
  for (let at = 0; at < text.length; at += LEAF_BYTES) {
    const leaf: Leaf = { kind: "leaf", keyHash: text.slice(at, at + 32), valueHash: text.slice(at + 32, at + LEAF_BYTES) };
    const index = subtreeOf(leaf);
    const leaves = subtrees.get(index);
    if (leaves === undefined) subtrees.set(index, [leaf]);
    else leaves.push(leaf);
  }
}
