/**
 * The authenticated tree (see `light/merkle.ts` for its rules), changed in memory and kept in pages of four levels.
 * Nodes are immutable: a draft shares what it does not touch with the committed tree, and dropping a draft undoes it.
 * Hashes are 32-character binary strings: three times cheaper to make and to hold than buffers.
 */
import { hash as cryptoHash } from "node:crypto";
import { BRANCH_TAG, LEAF_TAG } from "../light/merkle.ts";
import { STATE_LIMITS } from "../limits.ts";

/** 32 bytes as binary (latin1) text. */
export type Digest = string;

export interface Leaf {
  readonly kind: "leaf";
  readonly keyHash: Digest;
  readonly valueHash: Digest;
}
export interface Branch {
  readonly kind: "branch";
  /** Filled on demand. */
  hash: Digest | undefined;
  /** undefined: still on its page. Only branches at a page boundary are ever unloaded. */
  children: readonly [Node, Node] | undefined;
  /** Not on a page yet. */
  fresh: boolean;
  /** Of a branch at a page boundary: the version of the state that wrote its page. */
  version: number;
  /** Of such a branch, until its own page is stored: the one that it replaces. */
  replaces: Branch | undefined;
  /** Of such a branch, when it is loaded: versions whose rows its page consists of beside its own, the newest first. */
  changes: readonly number[];
  /** Bytes of all these rows but the last, which is whole. */
  changedBytes: number;
}
export type Node = Leaf | Branch | undefined;

export interface Change {
  readonly keyHash: Digest;
  /** undefined deletes. */
  readonly valueHash: Digest | undefined;
}

export const EMPTY: Digest = "\0".repeat(32);
export const LEVELS_PER_PAGE = 4;
/** Subtrees that start here are dropped from memory when too many are loaded. A page begins here. */
export const UNLOAD_DEPTH = 16;

export const WHOLE: readonly number[] = [];
const scratch = Buffer.alloc(65);

export function digest(bytes: Uint8Array): Digest {
  return cryptoHash("sha256", bytes, "binary");
}

/** Of a key's bytes: keys are ASCII. */
export function digestOfKey(key: string): Digest {
  return cryptoHash("sha256", key, "binary");
}

function taggedDigest(tag: number, left: Digest, right: Digest): Digest {
  scratch[0] = tag;
  scratch.write(left, 1, 32, "latin1");
  scratch.write(right, 33, 32, "latin1");
  return cryptoHash("sha256", scratch, "binary");
}

export function hashOf(node: Node): Digest {
  if (node === undefined) return EMPTY;
  if (node.kind === "leaf") return taggedDigest(LEAF_TAG, node.keyHash, node.valueHash);
  if (node.hash === undefined) {
    if (node.children === undefined) throw new Error("an unloaded branch has a hash");
    node.hash = taggedDigest(BRANCH_TAG, hashOf(node.children[0]), hashOf(node.children[1]));
  }
  return node.hash;
}

export const bitAt = (key: Digest, depth: number): 0 | 1 => ((key.charCodeAt(depth >> 3) >> (7 - (depth & 7))) & 1) as 0 | 1;

/** Names the page of a branch: the nibbles that lead to it. */
export const pagePath = (key: Digest, depth: number): string =>
  `/${Buffer.from(key.slice(0, (depth + 7) >> 3), "latin1").toString("hex").slice(0, depth / LEVELS_PER_PAGE)}`;

/** A page is never written over: each version of the state writes its own, so older versions stay whole until they are pruned. */
export interface PageId {
  readonly version: number;
  readonly path: string;
}
export interface LoadedPage extends Pick<Branch, "changes" | "changedBytes"> {
  readonly children: readonly [Node, Node];
}
export type LoadPage = (page: PageId) => LoadedPage;

export interface TreeOptions {
  readonly root: Node;
  readonly loadPage: LoadPage;
}

export interface TreeDraft {
  readonly root: Node;
  /** Rows of pages that the drafted version has no page instead of. */
  readonly stalePages: readonly PageId[];
}

/** Siblings from the root down, and what the path ends in. */
export interface TreePath {
  readonly siblings: readonly Digest[];
  readonly leaf: Leaf | undefined;
}

/** The way to a key from any root, without keeping what is read on it. */
export function pathFrom(root: Node, keyHash: Digest, children: (branch: Branch, depth: number) => readonly [Node, Node]): TreePath {
  const siblings: Digest[] = [];
  let node = root;
  for (let depth = 0; node?.kind === "branch"; depth += 1) {
    const pair = children(node, depth);
    const bit = bitAt(keyHash, depth);
    siblings.push(hashOf(pair[bit === 0 ? 1 : 0]));
    node = pair[bit];
  }
  return { siblings, leaf: node };
}

export class Tree {
  #root: Node;
  readonly #loadPage: TreeOptions["loadPage"];
  #loaded: Branch[] = [];
  /** Of the draft that is being made: kept here, because thousands of steps need them. */
  #changes: readonly Change[] = [];
  #stalePages: PageId[] = [];

  constructor(options: TreeOptions) {
    this.#root = options.root;
    this.#loadPage = options.loadPage;
  }

  get root(): Node {
    return this.#root;
  }

  /** `changes` ascending by key hash, each key once. */
  draft(changes: readonly Change[]): TreeDraft {
    this.#changes = changes;
    this.#stalePages = [];
    const root = this.#update(this.#root, 0, changes.length, 0);
    return { root, stalePages: this.#stalePages };
  }

  /** Makes a draft the committed tree; its pages must be stored by now. */
  adopt(root: Node): void {
    this.#root = root;
    if (this.#loaded.length <= STATE_LIMITS.loadedSubtrees) return;
    for (const branch of this.#loaded) if (!branch.fresh) branch.children = undefined;
    this.#loaded = [];
  }

  path(keyHash: Digest): TreePath {
    return pathFrom(this.#root, keyHash, (branch, depth) => this.#children(branch, keyHash, depth));
  }

  #children(branch: Branch, keyHash: Digest, depth: number): readonly [Node, Node] {
    if (branch.children === undefined) {
      hashOf(branch);
      const page = this.#loadPage({ version: branch.version, path: pagePath(keyHash, depth) });
      branch.children = page.children;
      branch.changes = page.changes;
      branch.changedBytes = page.changedBytes;
      if (depth === UNLOAD_DEPTH) this.#loaded.push(branch);
    }
    return branch.children;
  }

  /** The subtree after the changes in [from, to), all of which are below it. */
  #update(node: Node, from: number, to: number, depth: number): Node {
    if (from === to) return node;
    const changes = this.#changes;
    if (node === undefined) return build(inserts(changes, from, to), depth);
    if (node.kind === "leaf") return build(withLeaf(inserts(changes, from, to), changes.slice(from, to), node), depth);
    const first = changes[from] as Change;
    const [oldLeft, oldRight] = this.#children(node, first.keyHash, depth);
    const middle = split(changes, from, to, depth);
    const left = this.#update(oldLeft, from, middle, depth + 1);
    const right = this.#update(oldRight, middle, to, depth + 1);
    if (left === oldLeft && right === oldRight) return node;
    const next = join(left, right);
    if (depth % LEVELS_PER_PAGE === 0) this.#replace(node, next, first.keyHash, depth);
    if (next?.kind === "branch" && depth === UNLOAD_DEPTH) this.#loaded.push(next);
    return next;
  }

  #replace(old: Branch, next: Node, keyHash: Digest, depth: number): void {
    if (next?.kind === "branch") next.replaces = old;
    else for (const version of [old.version, ...old.changes]) this.#stalePages.push({ version, path: pagePath(keyHash, depth) });
  }
}

const branch = (left: Node, right: Node): Branch => ({
  kind: "branch",
  hash: undefined,
  children: [left, right],
  fresh: true,
  version: -1,
  replaces: undefined,
  changes: WHOLE,
  changedBytes: 0,
});

/** A subtree with one leaf is that leaf: leaves rise to the shallowest depth where they are alone. */
export function join(left: Node, right: Node): Node {
  if (left === undefined && right?.kind !== "branch") return right;
  if (right === undefined && left?.kind !== "branch") return left;
  return branch(left, right);
}

/** First index in [from, to) whose key has bit 1 at `depth`. */
function split(items: readonly { readonly keyHash: Digest }[], from: number, to: number, depth: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bitAt((items[middle] as { keyHash: Digest }).keyHash, depth) === 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function inserts(changes: readonly Change[], from: number, to: number): Leaf[] {
  const leaves: Leaf[] = [];
  for (let index = from; index < to; index += 1) {
    const { keyHash, valueHash } = changes[index] as Change;
    if (valueHash !== undefined) leaves.push({ kind: "leaf", keyHash, valueHash });
  }
  return leaves;
}

/** The leaf that was alone here stays, unless it is among the changes. */
function withLeaf(leaves: readonly Leaf[], changes: readonly Change[], leaf: Leaf): readonly Leaf[] {
  if (changes.some((change) => change.keyHash === leaf.keyHash)) return leaves;
  const at = leaves.findIndex((other) => other.keyHash > leaf.keyHash);
  return at === -1 ? [...leaves, leaf] : [...leaves.slice(0, at), leaf, ...leaves.slice(at)];
}

/** The subtree at this depth over leaves that ascend and share the bits above it. */
export function build(leaves: readonly Leaf[], depth: number, from = 0, to = leaves.length): Node {
  if (to - from <= 1) return from === to ? undefined : leaves[from];
  const middle = split(leaves, from, to, depth);
  return branch(build(leaves, depth + 1, from, middle), build(leaves, depth + 1, middle, to));
}
