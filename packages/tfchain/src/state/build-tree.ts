/** The tree over many leaves: each page is made and written once, in order, with one small subtree in memory at a time. */
import { type PageStore, storeFresh } from "./pages.ts";
import { type Leaf, type Node, UNLOAD_DEPTH, build, hashOf, join } from "./tree.ts";

const SUBTREES = 2 ** UNLOAD_DEPTH;
/** Of the subtree that holds a leaf. */
export const subtreeOf = ({ keyHash }: Leaf): number => (keyHash.charCodeAt(0) << 8) | keyHash.charCodeAt(1);

export class TreeBuilder {
  readonly #version: number;
  readonly #store: PageStore;
  readonly #subtrees: Node[] = Array.from({ length: SUBTREES }, () => undefined);

  constructor(options: { readonly version: number; readonly store: PageStore }) {
    this.#version = options.version;
    this.#store = options.store;
  }

  /** All leaves of one subtree, ascending by key hash. */
  add(leaves: readonly Leaf[]): void {
    const [first] = leaves;
    if (first === undefined) return;
    const index = subtreeOf(first);
    const node = build(leaves, UNLOAD_DEPTH);
    this.#subtrees[index] = node;
    if (node?.kind !== "branch") return;
    storeFresh(node, this.#version, this.#store, index.toString(16).padStart(UNLOAD_DEPTH / 4, "0"));
    // From here on its hash and the page that it is on are enough.
    hashOf(node);
    node.children = undefined;
  }

  /** The root, when all subtrees were added. */
  end(): Node {
    let nodes: readonly Node[] = this.#subtrees;
    while (nodes.length > 1) {
      const children = nodes;
      nodes = Array.from({ length: children.length / 2 }, (_, index) => join(children[2 * index], children[2 * index + 1]));
    }
    storeFresh(nodes[0], this.#version, this.#store);
    return nodes[0];
  }
}
