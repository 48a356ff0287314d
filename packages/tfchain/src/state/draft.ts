/** The state as a block changes it: a committed version, and writes above it that nobody else sees. */
import { type Hex, bytesToHex } from "@tfgrid/primitives";
import { ENGINE_LIMITS, STATE_LIMITS } from "../limits.ts";
import type { SealedDraft, StateDraft } from "./api.ts";
import { type History, ROOT_KEY, type Replaced, VERSION_KEY, beginHistory, pageKey, versionKey } from "./history.ts";
import { encodeRoot, storeFresh } from "./pages.ts";
import { SortedKeys } from "./sorted-keys.ts";
import type { RangeOptions, Storage, WriteOp } from "./storage.ts";
import { type Change, type Node, type Tree, digest, digestOfKey, hashOf } from "./tree.ts";

export interface DraftOptions {
  readonly storage: Storage;
  readonly tree: Tree;
  readonly history: History;
  /** Version that the draft is above. */
  readonly committed: number;
  /** Called with the new version when it becomes the committed one. */
  readonly adopt: (version: number) => void;
}

export class Draft implements StateDraft {
  readonly #options: DraftOptions;
  readonly #storage: Storage;
  readonly #writes = new Map<string, Uint8Array | undefined>();
  readonly #keys = new SortedKeys();
  /** What was read below: a block asks for the same rows again and again, and needs the replaced ones when it is sealed. */
  readonly #base = new Map<string, Uint8Array | undefined>();

  constructor(options: DraftOptions) {
    this.#options = options;
    this.#storage = options.storage;
  }

  get(key: string): Uint8Array | undefined {
    return this.#writes.has(key) ? this.#writes.get(key) : this.#below(key);
  }

  #below(key: string): Uint8Array | undefined {
    const known = this.#base.get(key);
    if (known !== undefined || this.#base.has(key)) return known;
    const value = this.#storage.get("state", key);
    this.#base.set(key, value);
    return value;
  }

  set(key: string, value: Uint8Array): void {
    if (key.length === 0 || key.length > ENGINE_LIMITS.keyBytes) throw new Error(`a state key has 1 to ${ENGINE_LIMITS.keyBytes} bytes`);
    if (value.length > STATE_LIMITS.valueBytes) throw new Error(`the value of ${key} has ${value.length} bytes, more than ${STATE_LIMITS.valueBytes}`);
    if (!this.#writes.has(key)) this.#keys.add(key);
    this.#writes.set(key, value);
  }

  delete(key: string): void {
    if (!this.#writes.has(key)) this.#keys.add(key);
    this.#writes.set(key, undefined);
  }

  *range(options: RangeOptions): Iterable<readonly [string, Uint8Array]> {
    const { gte, lt, limit = Number.MAX_SAFE_INTEGER } = options;
    const below = this.#storage.range("state", { gte, lt })[Symbol.iterator]();
    try {
      let theirs = below.next();
      let mine = this.#next(gte, lt, true);
      for (let sent = 0; sent < limit && (mine !== undefined || theirs.done !== true); ) {
        if (mine !== undefined && (theirs.done === true || mine <= theirs.value[0])) {
          if (theirs.done !== true && mine === theirs.value[0]) theirs = below.next();
          const value = this.#writes.get(mine);
          if (value !== undefined) {
            sent += 1;
            yield [mine, value];
          }
          mine = this.#next(mine, lt, false);
        } else if (theirs.done !== true) {
          sent += 1;
          yield theirs.value;
          theirs = below.next();
        }
      }
    } finally {
      below.return?.();
    }
  }

  /** Own key at or after `from`: looked up each time, so that writes made while a range is read do no harm. */
  #next(from: string, lt: string, inclusive: boolean): string | undefined {
    const key = inclusive ? this.#keys.seek(from) : this.#keys.after(from);
    return key !== undefined && key < lt ? key : undefined;
  }

  seal(version = this.#options.committed + 1): SealedDraft {
    const { tree, history, committed } = this.#options;
    if (version <= committed) throw new Error(`version ${version} is not after ${committed}`);
    const ops: WriteOp[] = [];
    const replaced: Replaced[] = [];
    const changes: Change[] = [];
    for (const key of this.#keys.from("")) {
      const value = this.#writes.get(key);
      const before = this.#below(key);
      if (sameValue(before, value)) continue;
      ops.push({ table: "state", key, value });
      replaced.push({ key, value: before });
      changes.push({ keyHash: digestOfKey(key), valueHash: value === undefined ? undefined : digest(value) });
    }
    const { root, stalePages } = tree.draft(changes.sort((a, b) => (a.keyHash < b.keyHash ? -1 : 1)));
    const prefix = versionKey(version);
    const stale = [...stalePages];
    storeFresh(root, version, {
      page: (path, row) => void ops.push({ table: "tree", key: prefix + path, value: row }),
      stale: (page) => void stale.push(page),
    });
    const rootBytes = encodeRoot(root);
    ops.push({ table: "meta", key: ROOT_KEY, value: rootBytes });
    ops.push({ table: "meta", key: VERSION_KEY, value: Buffer.from(String(version)) });
    // A chain may begin at a later height than 0.
    if (committed < 0) ops.push(beginHistory(version), { table: "history", key: pageKey({ version, path: "/root" }), value: rootBytes });
    else ops.push(...history.ops({ version, root: rootBytes, replaced, stalePages: stale }));
    const adopt = (): void => {
      tree.adopt(root);
      this.#options.adopt(version);
    };
    return { version, root: rootHex(root), ops, adopt };
  }
}

const sameValue = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0);

const rootHex = (root: Node): Hex => bytesToHex(Buffer.from(hashOf(root), "latin1"));
