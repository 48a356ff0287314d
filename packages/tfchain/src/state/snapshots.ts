/**
 * Snapshots for those who join: taken from a view of the storage while blocks go on, in pieces of a few milliseconds, one
 * chunk in memory at a time. A snapshot shows up when it is whole and on the disk, and not before.
 */
import { type Hex, type Logger, messageOf } from "@tfgrid/primitives";
import { STATE_LIMITS } from "../limits.ts";
import type { StateStore } from "./api.ts";
import type { SnapshotFiles } from "./snapshot-files.ts";
import { Slices } from "./slices.ts";
import { ChunkPacker, SNAPSHOT_FORMAT, type SnapshotInfo, digestAside, infoOf, parseManifest } from "./snapshot-format.ts";
import type { Storage, StorageView } from "./storage.ts";

export interface SnapshotsOptions {
  readonly files: SnapshotFiles;
  readonly storage: Storage;
  readonly state: StateStore;
  readonly chainId: string;
  readonly logger: Logger;
  /** Newest snapshots that stay. */
  readonly kept?: number;
  /** Of one chunk. Must be the same on all validators. */
  readonly chunkBytes?: number;
}

export interface ChunkId {
  readonly height: number;
  readonly format: number;
  readonly index: number;
}

export interface Snapshots {
  /** Newest first. */
  list(): readonly SnapshotInfo[];
  /** undefined: there is no such chunk (any more), or the disk does not give it; the log says which. */
  chunk(id: ChunkId): Uint8Array | undefined;
  /**
   * Of the state as it is committed at this moment; resolves when the snapshot can be served. undefined: one is being taken
   * already, there is one of this height, or the disk refused (the log says what). Never throws: the chain does not depend on it.
   */
  take(): Promise<SnapshotInfo | undefined>;
  /** Ends one that is being taken. */
  close(): Promise<void>;
}

const MANIFEST = "manifest";
const PARTIAL = "partial-";
const folderOf = (height: number): string => `${height}-${SNAPSHOT_FORMAT}`;
const chunkFile = (index: number): string => `${index}.chunk`;
/** The first key that no state has. */
const END = "\x7f";

export function openSnapshots(options: SnapshotsOptions): Snapshots {
  return new FolderSnapshots(options);
}

class FolderSnapshots implements Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #stop = new AbortController();
  #infos: readonly SnapshotInfo[] = [];
  #taking: Promise<SnapshotInfo | undefined> | undefined;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    this.#infos = options.files.list().flatMap((folder) => this.#open(folder)).sort((a, b) => b.manifest.height - a.manifest.height);
  }

  /** What was left half done by a crash, or is of another format, is taken away: it can be made again. */
  #open(folder: string): SnapshotInfo[] {
    const { files, logger, chainId } = this.#options;
    try {
      if (!folder.startsWith(PARTIAL)) {
        const info = parseManifest(files.read(folder, MANIFEST), SNAPSHOT_FORMAT);
        if (folder === folderOf(info.manifest.height) && info.manifest.chainId === chainId) return [info];
      }
      logger.info("a snapshot that was not finished is removed", { folder });
    } catch (error) {
      logger.warn("a snapshot that cannot be read is removed", { folder, error: messageOf(error) });
    }
    this.#remove(folder);
    return [];
  }

  #remove(folder: string): void {
    const { files, logger } = this.#options;
    try {
      files.remove(folder);
    } catch (error) {
      logger.error("a snapshot cannot be removed", { folder, error: messageOf(error) });
    }
  }

  list(): readonly SnapshotInfo[] {
    return this.#infos;
  }

  chunk({ height, format, index }: ChunkId): Uint8Array | undefined {
    const { files, logger } = this.#options;
    const info = format === SNAPSHOT_FORMAT ? this.#infos.find(({ manifest }) => manifest.height === height) : undefined;
    if (info === undefined || !Number.isSafeInteger(index) || index < 0 || index >= info.manifest.chunkHashes.length) return undefined;
    try {
      return files.read(folderOf(height), chunkFile(index));
    } catch (error) {
      logger.error("a chunk of a snapshot cannot be read", { height, index, error: messageOf(error) });
      return undefined;
    }
  }

  take(): Promise<SnapshotInfo | undefined> {
    const { state, storage, logger } = this.#options;
    const { version: height, root: appHash } = state;
    const known = this.#infos.some(({ manifest }) => manifest.height === height);
    if (this.#taking !== undefined || known || height < 0 || this.#stop.signal.aborted) return Promise.resolve(undefined);
    // Opened before anything is awaited: what is read is what is committed now.
    const view = storage.view();
    this.#taking = this.#write({ view, height, appHash })
      .catch((error: unknown) => {
        this.#remove(`${PARTIAL}${height}`);
        if (!this.#stop.signal.aborted) logger.error("no snapshot could be taken", { height, error: messageOf(error) });
        return undefined;
      })
      .finally(() => {
        view.close();
        this.#taking = undefined;
      });
    return this.#taking;
  }

  async #write({ view, height, appHash }: { readonly view: StorageView; readonly height: number; readonly appHash: Hex }): Promise<SnapshotInfo> {
    const { files, chainId } = this.#options;
    const partial = `${PARTIAL}${height}`;
    files.create(partial);
    const { rows, chunkHashes } = await this.#writeChunks(view, partial);
    const info = infoOf({ format: SNAPSHOT_FORMAT, chainId, height, appHash, rows, chunkHashes });
    await files.write(partial, MANIFEST, info.metadata);
    await files.rename(partial, folderOf(height));
    this.#infos = [info, ...this.#infos];
    this.#forgetOld();
    return info;
  }

  async #writeChunks(view: StorageView, folder: string): Promise<{ readonly rows: number; readonly chunkHashes: Hex[] }> {
    const packer = new ChunkPacker(this.#options.chunkBytes);
    const chunkHashes: Hex[] = [];
    const write = async (chunk: Uint8Array): Promise<void> => {
      if (chunkHashes.length === STATE_LIMITS.snapshotChunks) throw new Error("the state is larger than a snapshot can be");
      await this.#options.files.write(folder, chunkFile(chunkHashes.length), chunk);
      chunkHashes.push(await digestAside(chunk));
    };
    const slices = new Slices(this.#stop.signal);
    let rows = 0;
    for (let from = "\0"; ; ) {
      const slice = readSlice(view, from);
      const last = slice.at(-1);
      if (last === undefined) break;
      rows += slice.length;
      from = `${last[0]}\0`;
      for (const row of slice) {
        const chunk = packer.add(row);
        if (chunk !== undefined) await write(chunk);
      }
      await slices.pause();
    }
    const rest = packer.end();
    if (rest !== undefined) await write(rest);
    return { rows, chunkHashes };
  }

  #forgetOld(): void {
    const kept = this.#options.kept ?? STATE_LIMITS.snapshotsKept;
    for (const { manifest } of this.#infos.slice(kept)) this.#remove(folderOf(manifest.height));
    this.#infos = this.#infos.slice(0, kept);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#taking;
  }
}

function readSlice(view: StorageView, from: string): (readonly [string, Uint8Array])[] {
  const rows: (readonly [string, Uint8Array])[] = [];
  let bytes = 0;
  for (const row of view.range("state", { gte: from, lt: END, limit: STATE_LIMITS.snapshotSliceRows })) {
    rows.push(row);
    bytes += row[1].length;
    if (bytes >= STATE_LIMITS.snapshotSliceBytes) break;
  }
  return rows;
}
