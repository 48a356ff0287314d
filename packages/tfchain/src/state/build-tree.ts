/** The tree over many leaves: each page is made and written once, in order, with one small subtree in memory at a time. */
import { type PageStore, storeFresh } from "./pages.ts";
import { LEVELS_PER_PAGE, type Leaf, type Node, UNLOAD_DEPTH, build, hashOf, join } from "./tree.ts";

/** A part of the tree begins here, and subtrees at UNLOAD_DEPTH. Both are at a page boundary. */
const PART_DEPTH = 8;
export const PARTS = 2 ** PART_DEPTH;
const SUBTREES = 2 ** (UNLOAD_DEPTH - PART_DEPTH);
/** Of the part that a leaf is in. */
export const partOf = ({ keyHash }: Pick<Leaf, "keyHash">): number => keyHash.charCodeAt(0);
/** Of the subtree within its part. */
export const subtreeOf = ({ keyHash }: Leaf): number => keyHash.charCodeAt(1);

const none = (length: number): Node[] => Array.from({ length }, () => undefined);
const pathOf = (index: number, depth: number): string => index.toString(16).padStart(depth / LEVELS_PER_PAGE, "0");

function joined(nodes: readonly Node[]): Node {
  let level = nodes;
  while (level.length > 1) {
    const children = level;
    level = Array.from({ length: children.length / 2 }, (_, index) => join(children[2 * index], children[2 * index + 1]));
  }
  return level[0];
}

/** In pieces that are small whatever the size of the tree: subtrees of a part, the part, the next part, and the root. */
export class TreeBuilder {
  readonly #version: number;
  readonly #store: PageStore;
  readonly #parts = none(PARTS);
  #subtrees = none(SUBTREES);

  constructor(options: { readonly version: number; readonly store: PageStore }) {
    this.#version = options.version;
    this.#store = options.store;
  }

  /** All leaves of one subtree, ascending by key hash. */
  add(leaves: readonly Leaf[]): void {
    const [first] = leaves;
    if (first === undefined) return;
    const index = partOf(first) * SUBTREES + subtreeOf(first);
    this.#subtrees[subtreeOf(first)] = this.#stored(build(leaves, UNLOAD_DEPTH), pathOf(index, UNLOAD_DEPTH));
  }

  /** All subtrees of the part were added. */
  endPart(part: number): void {
    this.#parts[part] = this.#stored(joined(this.#subtrees), pathOf(part, PART_DEPTH));
    this.#subtrees = none(SUBTREES);
  }

  #stored(node: Node, path: string): Node {
    if (node?.kind !== "branch") return node;
    storeFresh(node, this.#version, this.#store, path);
    // From here on its hash and the page that it is on are enough.
    hashOf(node);
    node.children = undefined;
    return node;
  }

  /** The root, when all parts have ended. */
  end(): Node {
    const root = joined(this.#parts);
    storeFresh(root, this.#version, this.#store);
    return root;
  }
}
