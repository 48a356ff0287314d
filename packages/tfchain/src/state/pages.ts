/**
 * Pages: four levels of the tree below one branch, as bytes. Hashes inside a page are left out; they follow from its edge: what
 * its 16 places hold, where a leaf or an empty subtree that begins above the last level takes several places at once. A branch
 * at the edge is its hash and the version of the state whose page it is on.
 *
 * A page is stored as a whole, or as what changed of its edge since an older version of it: most blocks change one place of a
 * page. Whoever reads a page reads its changes, the newest first, until the page that is whole.
 */
import { STATE_LIMITS } from "../limits.ts";
import { type Branch, type Digest, LEVELS_PER_PAGE, type LoadedPage, type Node, type PageId, WHOLE, hashOf } from "./tree.ts";

const PLACES = 2 ** LEVELS_PER_PAGE;
const TAG = { empty: 0, leaf: 1, branch: 2 } as const;
const KIND = { whole: 0, changes: 1 } as const;
/** Enough for every safe height. */
const VERSION_BYTES = 6;
const DIGEST_BYTES = 32;
const MAX_ROW_BYTES = 1 + VERSION_BYTES + PLACES * (1 + 2 * DIGEST_BYTES);

const tagOf = (node: Node): 0 | 1 | 2 => (node === undefined ? TAG.empty : TAG[node.kind]);

/** One row that is being written. */
class Row {
  readonly #bytes = Buffer.alloc(MAX_ROW_BYTES);
  #length = 0;

  begin(previous: number | undefined): void {
    this.#length = 0;
    this.#byte(previous === undefined ? KIND.whole : KIND.changes);
    if (previous !== undefined) this.#version(previous);
  }

  item(where: number, node: Node, freshVersion: number): void {
    this.#byte((tagOf(node) << 6) | where);
    if (node === undefined) return;
    if (node.kind === "leaf") {
      this.#digest(node.keyHash);
      return this.#digest(node.valueHash);
    }
    // A branch at the page's edge has a page of its own; here only its hash is kept.
    this.#digest(hashOf(node));
    this.#version(node.fresh ? freshVersion : node.version);
  }

  #byte(value: number): void {
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  #digest(value: Digest): void {
    this.#bytes.write(value, this.#length, DIGEST_BYTES, "latin1");
    this.#length += DIGEST_BYTES;
  }

  /** Big endian, by hand: this runs for every branch at an edge. */
  #version(value: number): void {
    const bytes = this.#bytes;
    const at = this.#length;
    const high = Math.floor(value / 2 ** 32);
    bytes[at] = high >>> 8;
    bytes[at + 1] = high;
    bytes[at + 2] = value >>> 24;
    bytes[at + 3] = value >>> 16;
    bytes[at + 4] = value >>> 8;
    bytes[at + 5] = value;
    this.#length += VERSION_BYTES;
  }

  get length(): number {
    return this.#length;
  }

  copy(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, 0, this.#length);
  }
}

const row = new Row();

const same = (a: Node, b: Node): boolean =>
  a === b || (a?.kind === "leaf" && b?.kind === "leaf" && a.keyHash === b.keyHash && a.valueHash === b.valueHash);
/** Where a node is in its page: its level below the page's branch (1 to 4), less one, times 16, plus its first place. */
const LEFT = 0;
const RIGHT = PLACES / 2;
const LAST_LEVEL = (LEVELS_PER_PAGE - 1) << 4;
const isLastLevel = (where: number): boolean => where >= LAST_LEVEL;
const leftBelow = (where: number): number => where + 16;
const rightBelow = (where: number): number => where + 16 + (PLACES >> ((where >> 4) + 2));

interface Writing {
  /** That the pages are of. */
  readonly version: number;
  /** Bytes that the row may have; what comes after is left out. */
  readonly roomBytes: number;
}

/** Writes what is at the edge below `node` and was not below `old`, which had its place before; null: nothing had. */
function writeNode(node: Node, old: Node | null, where: number, writing: Writing): void {
  if (row.length > writing.roomBytes) return;
  if (node?.kind !== "branch") {
    if (old === null || !same(node, old)) row.item(where, node, writing.version);
    return;
  }
  // What is not fresh has not changed, and its place is its own for good.
  if (!node.fresh && old !== null) return;
  if (isLastLevel(where)) return row.item(where, node, writing.version);
  const [left, right] = node.children as readonly [Node, Node];
  const [oldLeft, oldRight] = old?.kind === "branch" ? (old.children as readonly [Node, Node]) : [null, null];
  writeNode(left, oldLeft, leftBelow(where), writing);
  writeNode(right, oldRight, rightBelow(where), writing);
}

function writePage({ children }: Branch, old: Branch | undefined, writing: Writing): void {
  row.begin(old?.version);
  const [left, right] = children as readonly [Node, Node];
  const [oldLeft, oldRight] = old === undefined ? [null, null] : (old.children as readonly [Node, Node]);
  writeNode(left, oldLeft, LEFT, writing);
  writeNode(right, oldRight, RIGHT, writing);
}

/** Whether what changed is worth a row of its own; then it is written. */
function writeChanges(branch: Branch, old: Branch, version: number): boolean {
  const roomBytes = STATE_LIMITS.pageChangesBytes - old.changedBytes;
  if (old.changes.length >= STATE_LIMITS.pageChanges || roomBytes <= 0) return false;
  writePage(branch, old, { version, roomBytes });
  return row.length <= roomBytes;
}

export interface PageStore {
  readonly page: (path: string, row: Uint8Array) => void;
  /** A row that the new version no longer uses. */
  readonly stale: (page: PageId) => void;
}

/** The row of a page, and from then on the branch knows what it is stored in. */
function storePage(branch: Branch, options: { readonly version: number; readonly path: string; readonly store: PageStore }): void {
  const { version, path, store } = options;
  const old = branch.replaces;
  if (old !== undefined && writeChanges(branch, old, version)) {
    branch.changes = [old.version, ...old.changes];
    branch.changedBytes = old.changedBytes + row.length;
  } else {
    writePage(branch, undefined, { version, roomBytes: MAX_ROW_BYTES });
    if (old !== undefined) for (const stale of [old.version, ...old.changes]) store.stale({ version: stale, path });
  }
  branch.version = version;
  branch.replaces = undefined;
  store.page(path, row.copy());
}

/**
 * Stores every page that holds a fresh branch, in the order of their paths, and marks all of them as stored.
 * `path`: the nibbles that lead to the root of a subtree.
 */
export function storeFresh(root: Node, version: number, store: PageStore, path = ""): void {
  const top = path.length * LEVELS_PER_PAGE;
  /** `nibble`: the bits since the last page boundary, which `above` leads to. */
  const walk = (node: Node, depth: number, above: string, nibble: number): void => {
    if (node?.kind !== "branch" || !node.fresh) return;
    const atBoundary = depth % LEVELS_PER_PAGE === 0;
    const own = atBoundary && depth > top ? above + nibble.toString(16) : above;
    if (atBoundary) storePage(node, { version, path: `/${own}`, store });
    const [left, right] = node.children as readonly [Node, Node];
    node.fresh = false;
    const bits = atBoundary ? 0 : nibble << 1;
    walk(left, depth + 1, own, bits);
    walk(right, depth + 1, own, bits | 1);
  };
  walk(root, top, path, 0);
}

class Reader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get ended(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#offset];
    if (value === undefined) throw damaged("too short");
    this.#offset += 1;
    return value;
  }

  version(): number {
    if (this.#offset + VERSION_BYTES > this.#bytes.length) throw damaged("too short");
    const value = this.#bytes.readUIntBE(this.#offset, VERSION_BYTES);
    this.#offset += VERSION_BYTES;
    return value;
  }

  #digest(): Digest {
    const value = this.#bytes.toString("latin1", this.#offset, this.#offset + DIGEST_BYTES);
    if (value.length !== DIGEST_BYTES) throw damaged("too short");
    this.#offset += DIGEST_BYTES;
    return value;
  }

  node(tag: number): Node {
    if (tag === TAG.empty) return undefined;
    if (tag === TAG.leaf) return { kind: "leaf", keyHash: this.#digest(), valueHash: this.#digest() };
    if (tag !== TAG.branch) throw damaged(`tag ${tag}`);
    return storedBranch(this.#digest(), this.version());
  }
}

const damaged = (what: string): Error => new Error(`a page of the state tree is damaged: ${what}`);
const branchOf = (hash: Digest | undefined, version: number, children: readonly [Node, Node] | undefined): Branch => ({
  kind: "branch",
  hash,
  children,
  fresh: false,
  version,
  replaces: undefined,
  changes: WHOLE,
  changedBytes: 0,
});
const storedBranch = (hash: Digest, version: number): Branch => branchOf(hash, version, undefined);

/** Of the page that is being read: what is at each level and place. null: nothing begins there. */
const items: (Node | null)[] = Array.from({ length: PLACES * LEVELS_PER_PAGE }, () => null);

/** The page that a version wrote: its own row, and those that it says what changed since. */
export function readPage(version: number, rowOf: (version: number) => Uint8Array): LoadedPage {
  items.fill(null);
  const changes: number[] = [];
  let taken = 0;
  let changedBytes = 0;
  for (let next: number | undefined = version; next !== undefined; ) {
    const bytes = rowOf(next);
    const reader = new Reader(bytes);
    const kind = reader.byte();
    if (kind !== KIND.whole && kind !== KIND.changes) throw damaged(`kind ${kind}`);
    const previous = kind === KIND.changes ? reader.version() : undefined;
    if (previous !== undefined && previous >= next) throw damaged(`version ${next} follows ${previous}`);
    if (previous !== undefined) {
      changes.push(previous);
      changedBytes += bytes.length;
    }
    const newer = taken;
    while (!reader.ended) {
      const code = reader.byte();
      const node = reader.node(code >> 6);
      const places = placesOf(code & 63);
      // A newer row has put something else over all of it.
      if ((places & newer) !== 0) continue;
      taken |= places;
      items[code & 63] = node;
    }
    next = previous;
  }
  return { children: [nodeAt(LEFT), nodeAt(RIGHT)], changes: changes.length === 0 ? WHOLE : changes, changedBytes };
}

/** As bits. */
const placesOf = (where: number): number => ((1 << (PLACES >> ((where >> 4) + 1))) - 1) << (where & 15);

function nodeAt(where: number): Node {
  const node = items[where];
  if (node !== null) return node;
  if (isLastLevel(where)) throw damaged(`place ${where & 15} is missing`);
  return branchOf(undefined, -1, [nodeAt(leftBelow(where)), nodeAt(rightBelow(where))]);
}

/** Of a root whose page is stored. */
export function encodeRoot(root: Node): Uint8Array {
  row.begin(undefined);
  row.item(LAST_LEVEL, root, -1);
  return row.copy();
}

export function decodeRoot(bytes: Uint8Array): Node {
  const reader = new Reader(bytes);
  reader.byte();
  return reader.node(reader.byte() >> 6);
}
