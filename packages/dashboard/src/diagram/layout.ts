/** Where everything of the picture goes: three columns (routes, network, nodes) where there is room, one below the other on phones. Pure. */
import type { NodeBox, Picture } from "./model.ts";

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly routes: readonly Rect[];
  /** Absent without nodes. */
  readonly network: Rect | undefined;
  readonly nodes: readonly Rect[];
  /** SVG paths: from routes to the network, from the network to nodes. */
  readonly edges: readonly { readonly path: string; readonly kind: "route" | "node"; readonly index: number }[];
}

export const METRICS = {
  gap: 16,
  routeHeight: 84,
  networkSize: 40,
  nodeHead: 46,
  machineHeight: 52,
  machineGap: 8,
  /** Of a node without zmachines: one line that says why. */
  sentenceHeight: 18,
  padding: 12,
  /** Below this width the parts go one below the other. */
  narrowBelow: 640,
  column: 56,
} as const;

export const nodeHeight = (node: Pick<NodeBox, "machines">): number => {
  const rows = node.machines.length;
  if (rows === 0) return METRICS.nodeHead + METRICS.sentenceHeight + METRICS.padding;
  return METRICS.nodeHead + rows * METRICS.machineHeight + (rows - 1) * METRICS.machineGap + METRICS.padding;
};

const stacked = (heights: readonly number[]): number => heights.reduce((sum, height) => sum + height, 0) + Math.max(0, heights.length - 1) * METRICS.gap;

function column(heights: readonly number[], at: { readonly x: number; readonly y: number; readonly width: number }): readonly Rect[] {
  let y = at.y;
  return heights.map((height) => {
    const rect = { x: at.x, y, width: at.width, height };
    y += height + METRICS.gap;
    return rect;
  });
}

const curveAcross = (from: { x: number; y: number }, to: { x: number; y: number }): string => {
  const middle = (from.x + to.x) / 2;
  return `M${from.x},${from.y} C${middle},${from.y} ${middle},${to.y} ${to.x},${to.y}`;
};

function wide(picture: Picture, width: number): Layout {
  const routeHeights = picture.routes.map(() => METRICS.routeHeight);
  const nodeHeights = picture.nodes.map(nodeHeight);
  const height = Math.max(stacked(routeHeights), stacked(nodeHeights), METRICS.routeHeight);
  const routeWidth = picture.routes.length === 0 ? 0 : Math.round(width * 0.3);
  const networkX = routeWidth === 0 ? 0 : routeWidth + METRICS.column;
  const nodesX = networkX + METRICS.networkSize + METRICS.column;
  const routes = column(routeHeights, { x: 0, y: (height - stacked(routeHeights)) / 2, width: routeWidth });
  const nodes = column(nodeHeights, { x: nodesX, y: (height - stacked(nodeHeights)) / 2, width: width - nodesX });
  const network = { x: networkX, y: 0, width: METRICS.networkSize, height };
  const right = networkX + METRICS.networkSize;
  const middleOf = (rect: Rect): number => rect.y + rect.height / 2;
  return {
    width,
    height,
    routes,
    network: nodes.length === 0 ? undefined : network,
    nodes,
    edges: [
      ...routes.map((rect, index) => ({ kind: "route" as const, index, path: curveAcross({ x: rect.width, y: middleOf(rect) }, { x: networkX, y: middleOf(rect) }) })),
      ...nodes.map((rect, index) => ({ kind: "node" as const, index, path: curveAcross({ x: right, y: middleOf(rect) }, { x: nodesX, y: middleOf(rect) }) })),
    ],
  };
}

function narrow(picture: Picture, width: number): Layout {
  const routes = column(picture.routes.map(() => METRICS.routeHeight), { x: 0, y: 0, width });
  const routesEnd = routes.length === 0 ? 0 : stacked(routes.map((rect) => rect.height)) + METRICS.gap * 1.5;
  const rail = METRICS.networkSize + METRICS.gap;
  const nodes = column(picture.nodes.map(nodeHeight), { x: rail, y: routesEnd, width: width - rail });
  const height = routesEnd + stacked(nodes.map((rect) => rect.height));
  const network = { x: 0, y: routesEnd, width: METRICS.networkSize, height: height - routesEnd };
  const lastRoute = routes.length === 0 ? 0 : stacked(routes.map((rect) => rect.height));
  return {
    width,
    height,
    routes,
    network: nodes.length === 0 ? undefined : network,
    nodes,
    edges: [
      ...(routes.length === 0 ? [] : [{ kind: "route" as const, index: routes.length - 1, path: `M${METRICS.networkSize / 2},${lastRoute} V${routesEnd}` }]),
      ...nodes.map((rect, index) => ({ kind: "node" as const, index, path: `M${METRICS.networkSize},${rect.y + rect.height / 2} H${rail}` })),
    ],
  };
}

export const layoutPicture = (picture: Picture, width: number): Layout => (width < METRICS.narrowBelow ? narrow(picture, width) : wide(picture, width));
