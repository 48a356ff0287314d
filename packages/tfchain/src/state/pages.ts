/**
 * Pages: four levels of the tree below one branch, as bytes. Hashes inside a page are left out; they follow from its edge. A
 * branch at the edge is its hash and the version of the state whose page it is on.
 */
import { type Branch, type Digest, LEVELS_PER_PAGE, type Leaf, type Node, hashOf } from "./tree.ts";

const TAG = { empty: 0, leaf: 1, branch: 2 } as const;
/** Enough for every safe height. */
const VERSION_BYTES = 6;
/** 16 leaves with their tags and 14 branches between them. */
const MAX_PAGE_BYTES = 16 * 65 + 14;

const scratch = Buffer.alloc(MAX_PAGE_BYTES);

class Writer {
  length = 0;
  /** Of the pages that are being written: what fresh branches are on. */
  readonly freshVersion: number;

  constructor(freshVersion: number) {
    this.freshVersion = freshVersion;
  }

  tag(value: number): void {
    scratch[this.length] = value;
    this.length += 1;
  }

  digest(value: Digest): void {
    scratch.write(value, this.length, 32, "latin1");
    this.length += 32;
  }

  /** Big endian, by hand: this runs for every branch at an edge. */
  version(value: number): void {
    const high = Math.floor(value / 2 ** 32);
    scratch[this.length] = high >>> 8;
    scratch[this.length + 1] = high;
    scratch[this.length + 2] = value >>> 24;
    scratch[this.length + 3] = value >>> 16;
    scratch[this.length + 4] = value >>> 8;
    scratch[this.length + 5] = value;
    this.length += VERSION_BYTES;
  }

  done(): Uint8Array {
    return Uint8Array.prototype.slice.call(scratch, 0, this.length);
  }
}

function writeNode(out: Writer, node: Node, level: number): void {
  if (node === undefined) return out.tag(TAG.empty);
  if (node.kind === "leaf") {
    out.tag(TAG.leaf);
    out.digest(node.keyHash);
    return out.digest(node.valueHash);
  }
  out.tag(TAG.branch);
  // A branch at the page's edge has a page of its own; here only its hash is kept.
  if (level === LEVELS_PER_PAGE) {
    out.digest(hashOf(node));
    return out.version(node.fresh ? out.freshVersion : node.version);
  }
  const [left, right] = node.children as readonly [Node, Node];
  writeNode(out, left, level + 1);
  writeNode(out, right, level + 1);
}

export function encodePage(branch: Branch, freshVersion: number): Uint8Array {
  const out = new Writer(freshVersion);
  const [left, right] = branch.children as readonly [Node, Node];
  writeNode(out, left, 1);
  writeNode(out, right, 1);
  return out.done();
}

export function encodeRoot(root: Node, freshVersion: number): Uint8Array {
  const out = new Writer(freshVersion);
  writeNode(out, root, LEVELS_PER_PAGE);
  return out.done();
}

class Reader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  node(level: number): Node {
    const tag = this.#bytes[this.#offset];
    this.#offset += 1;
    if (tag === TAG.empty) return undefined;
    if (tag === TAG.leaf) return { kind: "leaf", keyHash: this.#digest(), valueHash: this.#digest() } satisfies Leaf;
    if (tag !== TAG.branch) throw new Error(`a page of the state tree is damaged: tag ${tag}`);
    if (level === LEVELS_PER_PAGE) return { kind: "branch", hash: this.#digest(), children: undefined, fresh: false, version: this.#version() };
    return { kind: "branch", hash: undefined, children: [this.node(level + 1), this.node(level + 1)], fresh: false, version: -1 };
  }

  #version(): number {
    const value = this.#bytes.readUIntBE(this.#offset, VERSION_BYTES);
    this.#offset += VERSION_BYTES;
    return value;
  }

  #digest(): Digest {
    const value = this.#bytes.toString("latin1", this.#offset, this.#offset + 32);
    if (value.length !== 32) throw new Error("a page of the state tree is damaged: too short");
    this.#offset += 32;
    return value;
  }
}

export function decodePage(bytes: Uint8Array): readonly [Node, Node] {
  const reader = new Reader(bytes);
  return [reader.node(1), reader.node(1)];
}

export const decodeRoot = (bytes: Uint8Array): Node => new Reader(bytes).node(LEVELS_PER_PAGE);

export type StorePage = (path: string, page: Uint8Array) => void;

/**
 * Calls `visit` for every page that holds a fresh branch, in the order of their paths, and marks all of them as stored.
 * `path`: the nibbles that lead to the root of a subtree.
 */
export function storeFresh(root: Node, version: number, visit: StorePage, path = ""): void {
  const top = path.length * LEVELS_PER_PAGE;
  /** `nibble`: the bits since the last page boundary, which `above` leads to. */
  const walk = (node: Node, depth: number, above: string, nibble: number): void => {
    if (node?.kind !== "branch" || !node.fresh) return;
    const atBoundary = depth % LEVELS_PER_PAGE === 0;
    const own = atBoundary && depth > top ? above + nibble.toString(16) : above;
    if (atBoundary) {
      visit(`/${own}`, encodePage(node, version));
      node.version = version;
    }
    const [left, right] = node.children as readonly [Node, Node];
    node.fresh = false;
    const bits = atBoundary ? 0 : nibble << 1;
    walk(left, depth + 1, own, bits);
    walk(right, depth + 1, own, bits | 1);
  };
  walk(root, top, path, 0);
}
