/** Exact shortest paths (Dijkstra), the same at every node that knows the same graph. */
import type { NodeId } from "@tfgrid/primitives";
import { LINK_STATE_LIMITS, PATH_LIMITS } from "../limits.ts";
import type { Graph } from "./link-state.ts";

export interface Path {
  /** From the first node to the last, both included. */
  readonly nodes: readonly NodeId[];
  readonly costUs: number;
}

/**
 * Shortest paths from one node to all others. Only consenting nodes forward, each adds a fixed cost, and a path has at
 * most PATH_LIMITS.maxHops of them: so the search runs over (node, hops), which keeps it exact under that bound.
 */
export function shortestPaths(graph: Graph, from: NodeId): ReadonlyMap<NodeId, Path> {
  const known = remembered.get(graph);
  if (known?.from === from) return known.paths;
  const paths = search(graph, from);
  remembered.set(graph, { from, paths });
  return paths;
}

/** A graph is a value that never changes, and it is asked about several times a second. */
const remembered = new WeakMap<Graph, { readonly from: NodeId; readonly paths: ReadonlyMap<NodeId, Path> }>();

function search(graph: Graph, from: NodeId): ReadonlyMap<NodeId, Path> {
  const best = new Map<NodeId, Path>();
  const fewestHops = new Map<NodeId, number>();
  const open = new PathHeap();
  open.push({ nodes: [from], costUs: 0 });
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const at = path.nodes.at(-1) as NodeId;
    const hops = path.nodes.length;
    // Paths come by rising cost: a dearer one to the same node is of use only if it leaves more hops to go.
    if ((fewestHops.get(at) ?? Number.POSITIVE_INFINITY) <= hops) continue;
    fewestHops.set(at, hops);
    if (!best.has(at)) best.set(at, path);
    const vertex = graph.get(at);
    const mayForward = at === from || (vertex?.forwards === true && hops - 1 <= PATH_LIMITS.maxHops);
    if (vertex === undefined || !mayForward) continue;
    const hopCost = at === from ? 0 : LINK_STATE_LIMITS.hopCostUs;
    for (const edge of vertex.edges) {
      if (path.nodes.includes(edge.to)) continue;
      open.push({ nodes: [...path.nodes, edge.to], costUs: path.costUs + hopCost + edge.cost });
    }
  }
  best.delete(from);
  return best;
}

/** Cost of a given path now; undefined when a link of it is gone or a node of it does not forward. */
export function pathCost(graph: Graph, nodes: readonly NodeId[]): number | undefined {
  let cost = 0;
  for (const [index, node] of nodes.slice(0, -1).entries()) {
    const vertex = graph.get(node);
    const edge = vertex?.edges.find((candidate) => candidate.to === nodes[index + 1]);
    if (vertex === undefined || edge === undefined || (index > 0 && !vertex.forwards)) return undefined;
    cost += edge.cost + (index > 0 ? LINK_STATE_LIMITS.hopCostUs : 0);
  }
  return cost;
}

/** Cheaper first, then fewer nodes, then smaller ids: a total order, so that ties fall the same way everywhere. */
export function comparePaths(a: Path, b: Path): number {
  if (a.costUs !== b.costUs) return a.costUs - b.costUs;
  if (a.nodes.length !== b.nodes.length) return a.nodes.length - b.nodes.length;
  for (const [index, node] of a.nodes.entries()) {
    const difference = node - (b.nodes[index] as NodeId);
    if (difference !== 0) return difference;
  }
  return 0;
}

class PathHeap {
  readonly #items: Path[] = [];

  push(path: Path): void {
    const items = this.#items;
    let index = items.push(path) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (comparePaths(items[parent] as Path, path) <= 0) break;
      items[index] = items[parent] as Path;
      index = parent;
    }
    items[index] = path;
  }

  pop(): Path | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (top === undefined || last === undefined || items.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && comparePaths(items[child + 1] as Path, items[child] as Path) < 0) child += 1;
      if (comparePaths(last, items[child] as Path) <= 0) break;
      items[index] = items[child] as Path;
      index = child;
    }
    items[index] = last;
    return top;
  }
}
