import { chain } from "@tfgrid/tfchain";
import { describe, expect, it } from "vitest";
import type { NodeRow } from "../../src/api/types.ts";
import { layoutPicture, METRICS, type Rect } from "../../src/diagram/layout.ts";
import { pictureOf } from "../../src/diagram/model.ts";
import recorded from "../support/recorded.json" with { type: "json" };

const known = new Map((recorded["/nodes"] as unknown as readonly NodeRow[]).map((node) => [node.nodeId, node]));
const partsOf = (id: 1 | 2) => recorded[`/solutions/${id}`].parts.map((part) => chain.contract.fromJson(part));
const picture = pictureOf(partsOf(1), known);

describe("the picture of a solution", () => {
  it("has nodes with their zmachines, the network, and routes with what is behind them", () => {
    expect(picture.nodes.map(({ nodeId, machines }) => [nodeId, machines.map(({ name }) => name)])).toEqual([[1, ["store-1", "web-1"]], [4, ["web-2"]], [3, []]]);
    expect(picture.networks).toEqual([{ name: "default", cidr: "10.41.0.0/16" }]);
    expect(picture.routes).toMatchObject([{ host: "guestbook.gw.grid.localhost", nodeId: 3, backends: 2 }]);
  });

  it("knows nothing of zmachines on a lost node", () => {
    const lost = pictureOf(partsOf(2), known).nodes.find(({ nodeId }) => nodeId === 6);
    expect([lost?.state, lost?.machines[0]?.state]).toEqual(["down", "unknown"]);
  });

  it("names a route before its gateway has reported", () => {
    const silent = partsOf(1).map((part) => (part.type === "node" ? { ...part, report: null } : part));
    expect(pictureOf(silent, known).routes).toMatchObject([{ host: "guestbook.gw.grid.localhost", backends: undefined }]);
  });

  it("leaves out ended contracts", () => expect(pictureOf(partsOf(1).map((part) => ({ ...part, state: "deleted" as const })), known)).toEqual({ routes: [], networks: [], nodes: [] }));
});

const overlap = (a: Rect, b: Rect): boolean => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

describe.each([320, METRICS.narrowBelow - 1, METRICS.narrowBelow, 800, 1_400])("its layout at %s pixels", (width) => {
  const layout = layoutPicture(picture, width);
  const boxes = [...layout.routes, ...layout.nodes, ...(layout.network === undefined ? [] : [layout.network])];
  it("covers nothing", () => {
    for (const [index, box] of boxes.entries()) for (const other of boxes.slice(index + 1)) expect(overlap(box, other)).toBe(false);
  });
  it("stays inside", () => {
    for (const { x, y, width: wide, height } of boxes) {
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
      expect(x + wide).toBeLessThanOrEqual(width);
      expect(y + height).toBeLessThanOrEqual(layout.height);
    }
  });
});
