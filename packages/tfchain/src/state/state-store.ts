/**
 * The ledger's state: keys and values with one root hash over all of them. A block works on a draft; sealing it gives the
 * root that the header will carry, and the writes which the engine stores together with the block, in one transaction.
 * Cost of a block: its own changes times the depth of the tree, whatever the size of the state.
 */
import { type Hex, bytesToHex } from "@tfgrid/primitives";
import { ENGINE_LIMITS } from "../limits.ts";
import type { StateProof } from "../light/merkle.ts";
import type { StateReader, StateWriter } from "../runtime/api.ts";
import { decodePage, decodeRoot, encodeRoot, storeFresh } from "./pages.ts";
import { SortedKeys } from "./sorted-keys.ts";
import type { RangeOptions, Storage, WriteOp } from "./storage.ts";
import { type Change, type Digest, type Node, Tree, digest, hashOf } from "./tree.ts";

export interface SealedDraft {
  readonly root: Hex;
  readonly ops: readonly WriteOp[];
  /** To be called when `ops` are written, at once: from then on reads and proofs are of the new version. */
  adopt(): void;
}

export interface StateDraft extends StateWriter {
  seal(): SealedDraft;
}

export interface StateStore extends StateReader {
  readonly root: Hex;
  draft(): StateDraft;
  /** Of the committed version. `value` undefined: a proof of absence. */
  prove(key: string): { readonly value: Uint8Array | undefined; readonly proof: StateProof };
}

const ROOT_KEY = "state-root";
const hexOf = (value: Digest): Hex => Buffer.from(value, "latin1").toString("hex") as Hex;

export function openState(storage: Storage): StateStore {
  const kept = storage.get("meta", ROOT_KEY);
  const tree = new Tree({
    root: kept === undefined ? undefined : decodeRoot(kept),
    loadPage: (path) => {
      const page = storage.get("tree", path);
      if (page === undefined) throw new Error(`page ${path} of the state tree is missing`);
      return decodePage(page);
    },
  });
  return {
    get root() {
      return hexOf(hashOf(tree.root));
    },
    get: (key) => storage.get("state", key),
    range: (options) => storage.range("state", options),
    draft: () => new Draft(storage, tree),
    prove: (key) => {
      const { siblings, leaf } = tree.path(digest(Buffer.from(key)));
      const proof = {
        siblings: siblings.map(hexOf),
        leaf: leaf === undefined ? null : { keyHash: hexOf(leaf.keyHash), valueHash: hexOf(leaf.valueHash) },
      };
      return { value: storage.get("state", key), proof };
    },
  };
}

class Draft implements StateDraft {
  readonly #storage: Storage;
  readonly #tree: Tree;
  readonly #writes = new Map<string, Uint8Array | undefined>();
  readonly #keys = new SortedKeys();

  constructor(storage: Storage, tree: Tree) {
    this.#storage = storage;
    this.#tree = tree;
  }

  get(key: string): Uint8Array | undefined {
    return this.#writes.has(key) ? this.#writes.get(key) : this.#storage.get("state", key);
  }

  set(key: string, value: Uint8Array): void {
    if (key.length === 0 || key.length > ENGINE_LIMITS.keyBytes) throw new Error(`a state key has 1 to ${ENGINE_LIMITS.keyBytes} bytes`);
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
    const index = this.#keys.seek(from);
    const key = !inclusive && this.#keys.at(index) === from ? this.#keys.at(index + 1) : this.#keys.at(index);
    return key !== undefined && key < lt ? key : undefined;
  }

  seal(): SealedDraft {
    const { root, removedPages } = this.#tree.draft(this.#changes());
    const ops: WriteOp[] = [];
    for (const [key, value] of this.#writes) ops.push({ table: "state", key, value });
    for (const path of removedPages) ops.push({ table: "tree", key: path, value: undefined });
    storeFresh(root, (path, page) => ops.push({ table: "tree", key: path, value: page }));
    ops.push({ table: "meta", key: ROOT_KEY, value: encodeRoot(root) });
    return { root: rootHex(root), ops, adopt: () => this.#tree.adopt(root) };
  }

  #changes(): Change[] {
    const changes: Change[] = [];
    for (const [key, value] of this.#writes) {
      changes.push({ keyHash: digest(Buffer.from(key)), valueHash: value === undefined ? undefined : digest(value) });
    }
    return changes.sort((a, b) => (a.keyHash < b.keyHash ? -1 : 1));
  }
}

const rootHex = (root: Node): Hex => bytesToHex(Buffer.from(hashOf(root), "latin1"));
