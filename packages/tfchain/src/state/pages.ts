/** Pages: four levels of the tree below one branch, as bytes. Hashes inside a page are left out; they follow from its edge. */
import { type Branch, type Digest, LEVELS_PER_PAGE, type Leaf, type Node, hashOf } from "./tree.ts";

const TAG = { empty: 0, leaf: 1, branch: 2 } as const;
/** 16 leaves with their tags and 14 branches between them. */
const MAX_PAGE_BYTES = 16 * 65 + 14;

const scratch = Buffer.alloc(MAX_PAGE_BYTES);

class Writer {
  length = 0;

  tag(value: number): void {
    scratch[this.length] = value;
    this.length += 1;
  }

  digest(value: Digest): void {
    scratch.write(value, this.length, 32, "latin1");
    this.length += 32;
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
  if (level === LEVELS_PER_PAGE) return out.digest(hashOf(node));
  const [left, right] = node.children as readonly [Node, Node];
  writeNode(out, left, level + 1);
  writeNode(out, right, level + 1);
}

export function encodePage(branch: Branch): Uint8Array {
  const out = new Writer();
  const [left, right] = branch.children as readonly [Node, Node];
  writeNode(out, left, 1);
  writeNode(out, right, 1);
  return out.done();
}

export function encodeRoot(root: Node): Uint8Array {
  const out = new Writer();
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
    if (level === LEVELS_PER_PAGE) return { kind: "branch", hash: this.#digest(), children: undefined, fresh: false };
    return { kind: "branch", hash: undefined, children: [this.node(level + 1), this.node(level + 1)], fresh: false };
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

/** Calls `visit` for every page that holds a fresh branch, and marks all of them as stored. */
export function storeFresh(root: Node, visit: (path: string, page: Uint8Array) => void): void {
  const walk = (node: Node, depth: number, path: string): void => {
    if (node?.kind !== "branch" || !node.fresh) return;
    if (depth % LEVELS_PER_PAGE === 0) visit(`/${path}`, encodePage(node));
    const [left, right] = node.children as readonly [Node, Node];
    node.fresh = false;
    walk(left, depth + 1, nibblePath(path, depth, 0));
    walk(right, depth + 1, nibblePath(path, depth, 1));
  };
  walk(root, 0, "");
}

/** Within a page the path grows bit by bit, kept as `~` and bits until a nibble is full. */
function nibblePath(path: string, depth: number, bit: 0 | 1): string {
  const mark = path.indexOf("~");
  const bits = `${mark === -1 ? "" : path.slice(mark + 1)}${bit}`;
  const base = mark === -1 ? path : path.slice(0, mark);
  return (depth + 1) % LEVELS_PER_PAGE === 0 ? base + Number.parseInt(bits, 2).toString(16) : `${base}~${bits}`;
}
