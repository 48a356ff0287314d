/** The tree over many leaves at once: each page is made and written once, in order, with one small subtree in memory at a time. */
import { type StorePage, storeFresh } from "./pages.ts";
import { type Leaf, type Node, UNLOAD_DEPTH, build, hashOf, join } from "./tree.ts";

const SUBTREES = 2 ** UNLOAD_DEPTH;
const indexOf = ({ keyHash }: Leaf): number => (keyHash.charCodeAt(0) << 8) | keyHash.charCodeAt(1);

/** `leaves` ascend by key hash, each once. */
export function buildTree(options: { readonly leaves: Iterable<Leaf>; readonly version: number; readonly store: StorePage }): Node {
  const { leaves, version, store } = options;
  let nodes: Node[] = Array.from({ length: SUBTREES }, () => undefined);
  let bucket: Leaf[] = [];
  const close = (): void => {
    const [first] = bucket;
    if (first === undefined) return;
    const node = build(bucket, UNLOAD_DEPTH);
    nodes[indexOf(first)] = node;
    bucket = [];
    if (node?.kind !== "branch") return;
    storeFresh(node, version, store, indexOf(first).toString(16).padStart(UNLOAD_DEPTH / 4, "0"));
    // From here on its hash and the page that it is on are enough.
    hashOf(node);
    node.children = undefined;
  };
  for (const leaf of leaves) {
    if (bucket.length > 0 && indexOf(bucket[0] as Leaf) !== indexOf(leaf)) close();
    bucket.push(leaf);
  }
  close();
  while (nodes.length > 1) {
    const children = nodes;
    nodes = Array.from({ length: children.length / 2 }, (_, index) => join(children[2 * index], children[2 * index + 1]));
  }
  storeFresh(nodes[0], version, store);
  return nodes[0];
}
