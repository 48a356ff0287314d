/**
 * The ledger's state: keys and values with one root hash over all of them. A block works on a draft; sealing it gives the
 * root that the header will carry, and the writes which the engine stores together with the block, in one transaction.
 * Cost of a block: its own changes times the depth of the tree, whatever the size of the state. Each version is the state
 * after one block and has its height; the newest of them stay provable.
 */
import { type Hex, bytesToHex } from "@tfgrid/primitives";
import { STATE_LIMITS } from "../limits.ts";
import { chainErrors } from "../light/errors.ts";
import type { StateProof } from "../light/merkle.ts";
import type { Proven, ProvenAt, StateDraft, StateOptions, StateStore } from "./api.ts";
import { Draft } from "./draft.ts";
import { claimFormat } from "./format.ts";
import { History, ROOT_KEY, VERSION_KEY, pageKey } from "./history.ts";
import { decodeRoot, readPage } from "./pages.ts";
import { clearInterrupted } from "./restore.ts";
import type { RangeOptions, Storage } from "./storage.ts";
import { type Digest, type LoadPage, type PageId, type TreePath, Tree, digest, digestOfKey, hashOf, pagePath, pathFrom } from "./tree.ts";

/** The head and the one before, which CometBFT signs at the head. */
const MIN_VERSIONS = 2;
const hexOf = (value: Digest): Hex => bytesToHex(Buffer.from(value, "latin1"));

/** @throws GridError chain.format_unknown */
export function openState(storage: Storage, options: StateOptions = {}): StateStore {
  claimFormat(storage);
  clearInterrupted(storage);
  return new CommittedState(storage, options.retainedVersions ?? STATE_LIMITS.provenVersions);
}

class CommittedState implements StateStore {
  readonly #storage: Storage;
  #tree: Tree;
  readonly #history: History;
  readonly #loadPage: LoadPage;
  #version: number;

  constructor(storage: Storage, retainedVersions: number) {
    this.#storage = storage;
    this.#loadPage = ({ version, path }) => readPage(version, (of) => rowOf(storage, { version: of, path }));
    this.#history = new History(storage, Math.max(MIN_VERSIONS, Math.min(retainedVersions, STATE_LIMITS.provenVersions)));
    this.#tree = this.#keptTree();
    this.#version = this.#keptVersion();
  }

  #keptTree(): Tree {
    const kept = this.#storage.get("meta", ROOT_KEY);
    return new Tree({ root: kept === undefined ? undefined : decodeRoot(kept), loadPage: this.#loadPage });
  }

  #keptVersion(): number {
    const kept = this.#storage.get("meta", VERSION_KEY);
    return kept === undefined ? -1 : Number(Buffer.from(kept).toString());
  }

  reload(): void {
    this.#tree = this.#keptTree();
    this.#version = this.#keptVersion();
  }

  get root(): Hex {
    return hexOf(hashOf(this.#tree.root));
  }

  get version(): number {
    return this.#version;
  }

  get firstVersion(): number {
    return this.#history.first();
  }

  /** Rows without a version are those of a restore that has not ended: nobody may see them. */
  get(key: string): Uint8Array | undefined {
    return this.#version < 0 ? undefined : this.#storage.get("state", key);
  }

  range(options: RangeOptions): Iterable<readonly [string, Uint8Array]> {
    return this.#version < 0 ? [] : this.#storage.range("state", options);
  }

  draft(): StateDraft {
    const adopt = (version: number): void => {
      this.#version = version;
    };
    return new Draft({ storage: this.#storage, tree: this.#tree, history: this.#history, committed: this.#version, adopt });
  }

  prove(key: string): Proven {
    return { value: this.get(key), proof: proofOf(this.#tree.path(digestOfKey(key))) };
  }

  rootAt(version: number): Hex {
    return hexOf(hashOf(this.#rootNode(version)));
  }

  proveAt(version: number, key: string): ProvenAt {
    if (version === this.#version) return { ...this.prove(key), version, root: this.root };
    const root = this.#rootNode(version);
    const keyHash = digestOfKey(key);
    const path = pathFrom(root, keyHash, (branch, depth) => {
      return branch.children ?? this.#loadPage({ version: branch.version, path: pagePath(keyHash, depth) }).children;
    });
    const value = path.leaf?.keyHash === keyHash ? this.#valueAt(version, key, path.leaf.valueHash) : undefined;
    return { value, proof: proofOf(path), version, root: hexOf(hashOf(root)) };
  }

  #rootNode(version: number): ReturnType<typeof decodeRoot> {
    const first = this.firstVersion;
    if (version > this.#version) throw chainErrors.fail("chain.height_unknown", { details: { height: version, head: this.#version } });
    const kept = version < first ? undefined : this.#history.root(version);
    if (kept !== undefined) return decodeRoot(kept);
    throw chainErrors.fail("chain.state_pruned", {
      message: `The state of height ${version} is no longer kept; the oldest that is has height ${first}.`,
      details: { height: version, firstProvenHeight: first, head: this.#version },
    });
  }

  #valueAt(version: number, key: string, valueHash: Digest): Uint8Array {
    const now = this.get(key);
    // Most values are what they were.
    if (now !== undefined && digest(now) === valueHash) return now;
    const then = this.#history.replacedSince(version, this.#version, key)?.value;
    if (then === undefined || digest(then) !== valueHash) throw new Error(`the value of ${key} at version ${version} is missing`);
    return then;
  }
}

function rowOf(storage: Storage, page: PageId): Uint8Array {
  const bytes = storage.get("tree", pageKey(page));
  if (bytes === undefined) throw new Error(`page ${pageKey(page)} of the state tree is missing`);
  return bytes;
}

function proofOf({ siblings, leaf }: TreePath): StateProof {
  return {
    siblings: siblings.map(hexOf),
    leaf: leaf === undefined ? null : { keyHash: hexOf(leaf.keyHash), valueHash: hexOf(leaf.valueHash) },
  };
}
