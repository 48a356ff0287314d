import { describe, expect, it } from "vitest";
import { touched } from "../../src/api/touched.ts";
import type { ContractRow, NodeRow } from "../../src/api/types.ts";
import { contractQuery, filterNodes, matches, paginate, readContractFilter, readNodeFilter, withFilter } from "../../src/filters.ts";
import { cluster } from "../../src/map/cluster.ts";
import { costBySolution, totalsOf } from "../../src/totals.ts";
import recorded from "../support/recorded.json" with { type: "json" };

const nodes = recorded["/nodes"] as unknown as readonly NodeRow[];
const found = (query: string): readonly number[] => filterNodes(nodes, readNodeFilter(new URLSearchParams(query))).map(({ nodeId }) => nodeId);

describe("the filter in the address", () => {
  it.each([
    ["", [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ["status=down", [6]],
    ["status=maintenance", [7]],
    ["status=standby", []],
    ["country=Belgium", [1, 2]],
    ["search=NILE", [4, 6]],
    ["search=nile+brazil", [6]],
    ["search=3", [3]],
    ["search=node+3", [3]],
    ["search=gw.grid", [3]],
    ["search=nothing+like+it", []],
    ["status=nonsense&page=-4", [1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ])("nodes: %s", (query, ids) => expect(found(query)).toEqual(ids));

  it("goes back to the first page when it changes, and leaves out defaults", () => {
    const query = new URLSearchParams("page=3&country=Egypt");
    expect(withFilter(query, { search: "x" }).toString()).toBe("country=Egypt&search=x");
    expect(withFilter(query, { country: "" }).toString()).toBe("");
    expect(withFilter(query, { page: "2" }).toString()).toBe("page=2&country=Egypt");
    expect(query.toString()).toBe("page=3&country=Egypt");
  });

  it("asks the explorer for contracts", () => {
    expect(contractQuery(readContractFilter(new URLSearchParams()))).toEqual({ state: "Created,GracePeriod" });
    expect(contractQuery(readContractFilter(new URLSearchParams("state=all&type=name")))).toEqual({ type: "name" });
  });

  it("finds numbers whole and words in part", () => expect([matches("1", [12]), matches("12", [12]), matches("ell", ["hello"]), matches("", [])]).toEqual([false, true, true, true]));

  it("shows the last page for a page beyond the end", () => {
    expect(paginate([1, 2, 3], 9, 2)).toEqual({ rows: [3], page: 2, pages: 2 });
    expect(paginate([], 1, 2)).toEqual({ rows: [], page: 1, pages: 1 });
  });
});

describe("sums", () => {
  it("count the capacity of nodes that are up only", () => {
    const totals = totalsOf(nodes);
    expect([totals.nodes, totals.up]).toEqual([9, 8]);
    expect(totals.cpuMilli.total).toBe(nodes.filter(({ status }) => status === "up").reduce((sum, node) => sum + node.cpu_milli.total, 0));
  });

  it("add what active contracts of a solution cost", () => {
    const contracts = recorded["/contracts"] as unknown as readonly ContractRow[];
    expect(costBySolution(contracts)).toEqual(new Map([[1, 1_468_000n], [2, 3_200_000n]]));
    expect(costBySolution(contracts.map((row) => ({ ...row, state: "Deleted" as const }))).size).toBe(0);
  });
});

describe("the map", () => {
  const place = (nodeId: number, x: number, status = "up") => ({ nodeId, x, y: 0, status, maintenance: { mode: "none" } });
  it("joins nodes that would cover each other, and tells the worst of mixed ones apart", () => {
    const marks = cluster([place(1, 0), place(2, 3, "down"), place(3, 200)], 16);
    expect(marks.map(({ nodes: members, tone }) => [members.length, tone])).toEqual([[2, "warn"], [1, "good"]]);
  });
  it("does not take a node that sleeps for one that is lost", () => {
    expect(cluster([place(1, 0, "standby"), place(2, 200, "down")], 16).map(({ tone }) => tone)).toEqual(["quiet", "bad"]);
  });
  it("loses no node", () => {
    const many = Array.from({ length: 500 }, (_, index) => place(index, (index * 37) % 900));
    expect(cluster(many, 16).flatMap(({ nodes: members }) => members)).toHaveLength(500);
  });
});

it("refreshes what an event touches", () => {
  expect(touched("contracts.reported")).toContain("solutions");
  expect(touched("nodes.down")).toContain("nodes");
  expect(touched("something.new")).toEqual(["head"]);
});
