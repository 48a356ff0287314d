/**
 * What older versions of the state need beside the pages of their trees: their roots, the values that later versions
 * replaced, and the pages that become free when a version is given up. Rows of a version are named by its height first, so a
 * block appends them and pruning takes them away in one piece; both cost what the block changed.
 */
import { STATE_LIMITS } from "../limits.ts";
import { pack, unpack } from "./packed.ts";
import type { Storage, WriteOp } from "./storage.ts";
import type { PageId } from "./tree.ts";

/** Hex digits of 2^53 - 1, so that byte order of keys is order of heights. */
const HEIGHT_DIGITS = 14;
export const ROOT_KEY = "state-root";
export const VERSION_KEY = "state-version";
const FIRST_KEY = "first-version";

export const versionKey = (version: number): string => version.toString(16).padStart(HEIGHT_DIGITS, "0");
export const pageKey = ({ version, path }: PageId): string => `${versionKey(version)}${path}`;
const rootKey = (version: number): string => `${versionKey(version)}/root`;

/** A key's value before a version changed it; undefined: it had none. */
export interface Replaced {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

export interface VersionChange {
  readonly version: number;
  readonly root: Uint8Array;
  /** Ascending by key. */
  readonly replaced: readonly Replaced[];
  readonly stalePages: readonly PageId[];
}

export class History {
  readonly #storage: Storage;
  readonly #retained: number;

  constructor(storage: Storage, retainedVersions: number) {
    this.#storage = storage;
    this.#retained = retainedVersions;
  }

  /** The oldest version that can still be proven. */
  first(): number {
    const kept = this.#storage.get("meta", FIRST_KEY);
    return kept === undefined ? 0 : Number(Buffer.from(kept).toString());
  }

  root(version: number): Uint8Array | undefined {
    return this.#storage.get("history", rootKey(version));
  }

  /** The first version since `after` that replaced the key's value tells what the value was. */
  replacedSince(after: number, latest: number, key: string): Replaced | undefined {
    for (let version = after + 1; version <= latest; version += 1) {
      const prefix = `${versionKey(version)}/old/`;
      // A row is named by its last key: the first row at or after the key is the only one that can hold it.
      for (const [, row] of this.#storage.range("history", { gte: prefix + key, lt: `${versionKey(version)}/old0`, limit: 1 })) {
        const found = findReplaced(unpack(row), key);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  /** The rows of a new version, and the removal of versions that are no longer kept. */
  ops(change: VersionChange): WriteOp[] {
    const { version, root } = change;
    const ops: WriteOp[] = [{ table: "history", key: rootKey(version), value: root }];
    for (const [last, row] of packReplaced(change.replaced)) ops.push({ table: "history", key: `${versionKey(version)}/old/${last}`, value: pack(row) });
    packStale(change.stalePages).forEach((row, index) => {
      ops.push({ table: "history", key: `${versionKey(version)}/stale/${versionKey(index)}`, value: pack(row) });
    });
    return [...ops, ...this.#prune(version)];
  }

  #prune(version: number): WriteOp[] {
    const first = this.first();
    const next = Math.min(first + STATE_LIMITS.prunedVersionsPerBlock, version - this.#retained + 1);
    if (next <= first) return [];
    const ops: WriteOp[] = [{ table: "meta", key: FIRST_KEY, value: Buffer.from(String(next)) }];
    for (let old = first; old < next; old += 1) {
      ops.push({ table: "history", key: rootKey(old), value: undefined });
      // What version `old + 1` replaced served only the versions before it.
      ops.push(...this.#forget(old + 1));
    }
    return ops;
  }

  #forget(version: number): WriteOp[] {
    const ops: WriteOp[] = [];
    const prefix = versionKey(version);
    for (const [key] of this.#storage.range("history", { gte: `${prefix}/old/`, lt: `${prefix}/old0` })) ops.push({ table: "history", key, value: undefined });
    for (const [key, row] of this.#storage.range("history", { gte: `${prefix}/stale/`, lt: `${prefix}/stale0` })) {
      ops.push({ table: "history", key, value: undefined });
      for (const page of Buffer.from(unpack(row)).toString("latin1").split("\n")) ops.push({ table: "tree", key: page, value: undefined });
    }
    return ops;
  }
}

/** Version, when history begins elsewhere than at 0: after a restore, or with a genesis at a later height. */
export const beginHistory = (version: number): WriteOp => ({ table: "meta", key: FIRST_KEY, value: Buffer.from(String(version)) });

/** Key and value with their lengths before them, in 2 and 5 bytes; the fifth says whether there is a value. */
const ENTRY_HEAD_BYTES = 7;

function packReplaced(entries: readonly Replaced[]): [last: string, row: Uint8Array][] {
  const rows: [string, Uint8Array][] = [];
  for (let from = 0, to = 0, bytes = 0; to < entries.length; ) {
    const entry = entries[to] as Replaced;
    bytes += sizeOf(entry);
    to += 1;
    if (bytes < STATE_LIMITS.historyRowBytes && to < entries.length) continue;
    rows.push([entry.key, packRow(entries, { from, to, bytes })]);
    from = to;
    bytes = 0;
  }
  return rows;
}

const sizeOf = ({ key, value }: Replaced): number => ENTRY_HEAD_BYTES + key.length + (value?.length ?? 0);

function packRow(entries: readonly Replaced[], { from, to, bytes }: { readonly from: number; readonly to: number; readonly bytes: number }): Uint8Array {
  const out = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (let index = from; index < to; index += 1) {
    const { key, value } = entries[index] as Replaced;
    out.writeUInt16BE(key.length, at);
    out[at + 2] = value === undefined ? 0 : 1;
    out.writeUInt32BE(value?.length ?? 0, at + 3);
    at += ENTRY_HEAD_BYTES + out.write(key, at + ENTRY_HEAD_BYTES, "latin1");
    if (value === undefined) continue;
    out.set(value, at);
    at += value.length;
  }
  return out;
}

function findReplaced(row: Uint8Array, key: string): Replaced | undefined {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  const wanted = Buffer.from(key, "latin1");
  for (let at = 0; at < bytes.length; ) {
    const keyEnd = at + ENTRY_HEAD_BYTES + bytes.readUInt16BE(at);
    const end = keyEnd + bytes.readUInt32BE(at + 3);
    if (bytes.compare(wanted, 0, wanted.length, at + ENTRY_HEAD_BYTES, keyEnd) === 0) {
      return { key, value: bytes.readUInt8(at + 2) === 0 ? undefined : Uint8Array.prototype.slice.call(bytes, keyEnd, end) };
    }
    at = end;
  }
  return undefined;
}

/** Keys of the tree's table, one a line. */
function packStale(pages: readonly PageId[]): Uint8Array[] {
  const rows: Uint8Array[] = [];
  const perRow = Math.floor(STATE_LIMITS.historyRowBytes / (HEIGHT_DIGITS + 10));
  for (let from = 0; from < pages.length; from += perRow) {
    const lines = pages.slice(from, from + perRow).map(pageKey);
    rows.push(Buffer.from(lines.join("\n"), "latin1"));
  }
  return rows;
}
