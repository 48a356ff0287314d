import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeId, SolutionId } from "@tfgrid/primitives";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Explorer, startExplorer } from "../../src/index.ts";
import { createFakeChain, farmOf, nameOf, nodeOf, partOf, reportOf, solutionOf, twinOf } from "../support/fake-chain.ts";

const fake = createFakeChain();
let explorer: Explorer;
let folder: string;

// Answers of many shapes are looked into by tests only.
// oxlint-disable-next-line typescript/no-explicit-any
type Json = any;
const get = async (path: string, init: RequestInit = {}): Promise<{ status: number; headers: Headers; text: string; json: Json }> => {
  const response = await fetch(`${explorer.endpoints.http}${path}`, { redirect: "manual", ...init });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "explorer-"));
  await writeFile(join(folder, "index.html"), "<title>page</title>");
  await writeFile(join(folder, "app.js"), "1");
  for (const id of [1, 2]) fake.twins.set(id, twinOf(id));
  fake.farms.set(1, farmOf(1));
  fake.farms.set(2, farmOf(2, { name: "big-farm", dedicated: true, certification: "gold" }));
  fake.nodes.set(1, nodeOf(1));
  fake.nodes.set(
    2,
    nodeOf(2, { up: false, location: { country: "Egypt", city: "Cairo", latitudeMicro: 30_000_000, longitudeMicro: 31_200_000 } }),
  );
  fake.nodes.set(3, nodeOf(3, { farmId: 2 as never, certification: "certified", publicConfig: { domain: "gw.test", ipv4: "192.0.2.9" } }));
  fake.contracts.set(1, partOf(1, 1, { report: reportOf("web-1", "healthy") }));
  fake.contracts.set(2, nameOf(2, "guestbook", 3));
  fake.solutions.set(1, solutionOf(1));
  fake.commit([
    { type: "nodes.registered", nodeId: 1 as NodeId, farmId: 1 as never, twinId: 11 as never },
    { type: "solutions.accepted", solutionId: 1 as SolutionId, agentTwinId: 2 as never, version: 1, document: solutionOf(1).document },
    { type: "contracts.billed", contractId: 1 as never, amountUnits: 500n, fromMs: 1_700_000_000_000, toMs: 1_700_001_800_000, downMs: 0 },
  ]);
  explorer = await startExplorer({ chain: fake.client, dataDir: join(folder, "data"), host: "127.0.0.1", port: 0, staticDir: folder });
  await vi.waitFor(async () => expect((await get("/head")).json.height).toBe(1), { timeout: 60_000 });
});
afterAll(async () => {
  await explorer.stop();
  await rm(folder, { recursive: true });
});

describe("nodes in the grid proxy's shape", () => {
  it("has every key of the grid proxy's node with the right type", async () => {
    const [node] = (await get("/nodes?node_id=1")).json;
    expect(node).toMatchObject({
      id: "node-1",
      nodeId: 1,
      farmId: 1,
      farmName: "farm-1",
      twinId: 11,
      country: "Belgium",
      gridVersion: 3,
      uptime: 1000,
      created: 1_700_000_000,
      updatedAt: 1_700_000_100,
      total_resources: { cru: 8, sru: 100 * 2 ** 30, hru: 0, mru: 16 * 2 ** 30 },
      used_resources: { cru: 2, sru: 2 ** 30, hru: 0, mru: 2 ** 30 },
      location: { country: "Belgium", city: "Ghent", longitude: 3.72, latitude: 51.05 },
      publicConfig: { domain: "", gw4: "", gw6: "", ipv4: "", ipv6: "" },
      status: "up",
      certificationType: "Diy",
      power: { state: "Up", target: "Up" },
      dmi: { bios: { vendor: "", version: "" }, processor: [], memory: [], UpdatedAt: 0 },
      gpus: [],
      farm_free_ips: 1,
    });
    expect(node.price_usd).toBeGreaterThan(0);
  });

  it("nests the resources under capacity for one node", async () => {
    const { json } = await get("/nodes/1");
    expect(json.capacity.total_resources.cru).toBe(8);
    expect(json.total_resources).toBeUndefined();
    expect((await get("/nodes/2/status")).json).toEqual({ status: "down" });
  });

  it.each([
    ["status=up", [1, 3]],
    ["status=down", [2]],
    ["status=up,down", [1, 2, 3]],
    ["status=standby", []],
    ["country=egypt", [2]],
    ["country_contains=EL", [1, 3]],
    ["farm_ids=2", [3]],
    ["farm_id=2", [3]],
    ["node_ids=1,3", [1, 3]],
    ["node_ids=1&node_ids=2", [1, 2]],
    ["excluded=1", [2, 3]],
    ["domain=true", [3]],
    ["domain=false", [1, 2]],
    ["certification_type=certified", [3]],
    ["in_dedicated_farm=1", [3]],
    ["dedicated=f", [1]],
    ["has_gpu=true", []],
    [`free_mru=${16 * 2 ** 30}`, []],
    [`free_mru=${15 * 2 ** 30}`, [1, 2, 3]],
    ["total_cru=9", []],
    ["features=gateway-name-proxy", [3]],
    ["features=zmachine", [1, 2, 3]],
    ["healthy=true", [1, 3]],
    ["farm_name_contains=big", [3]],
    ["country_contains=%25", []],
    ["sort_by=node_id&sort_order=DESC", [3, 2, 1]],
    ["sort_by=status", [1, 3, 2]],
    ["size=1&page=2", [2]],
    ["size=999999999999", [1, 2, 3]],
    ["page=9", []],
    ["country=", [1, 2, 3]],
  ])("filters %s", async (query, ids) => {
    const { status, json } = await get(`/nodes?${query}`);
    expect(status).toBe(200);
    expect(json.map(({ nodeId }: { nodeId: number }) => nodeId)).toEqual(ids);
  });

  it("counts only when asked", async () => {
    const counted = await get("/nodes?ret_count=true&size=2");
    expect([counted.headers.get("count"), counted.headers.get("size"), counted.headers.get("pages")]).toEqual(["3", "2", "2"]);
    expect((await get("/nodes")).headers.get("count")).toBeNull();
  });

  it.each([
    ["/nodes?nope=1", 400, "explorer.unknown_parameter"],
    ["/nodes?constructor=1", 400, "explorer.unknown_parameter"],
    ["/nodes?farm_ids=a", 400, "explorer.invalid_parameter"],
    ["/nodes?node_id=-1", 400, "explorer.invalid_parameter"],
    ["/nodes?rented=maybe", 400, "explorer.invalid_parameter"],
    ["/nodes?sort_by=farm_name", 400, "explorer.invalid_sort"],
    ["/nodes?sort_by=constructor", 400, "explorer.invalid_sort"],
    ["/nodes?sort_order=up", 400, "explorer.invalid_sort"],
    ["/nodes?features=nope", 400, "explorer.invalid_parameter"],
    ["/nodes?status=lost", 400, "explorer.invalid_parameter"],
    ["/nodes?balance=x", 400, "explorer.invalid_parameter"],
    ["/nodes/99", 404, "explorer.not_found"],
    ["/gateways/1", 404, "explorer.not_found"],
    ["/contracts/99", 404, "explorer.not_found"],
    ["/solutions/99", 404, "explorer.not_found"],
  ])("answers %s with %i and a code", async (path, status, code) => {
    const answer = await get(path);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ code, error: expect.any(String), cure: expect.any(String) });
  });

  it("answers what the grid proxy's router does not know as it does", async () => {
    const unknown = await get("/nodes/abc");
    expect([unknown.status, unknown.text, unknown.headers.get("content-type")]).toEqual([404, "404 page not found", "text/plain"]);
    const slash = await get("/nodes/?size=1");
    expect([slash.status, slash.headers.get("location")]).toEqual([301, "/nodes?size=1"]);
    expect((await get("/nodes")).headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("the other lists", () => {
  it("shapes farms, twins, contracts, addresses and bills", async () => {
    expect((await get("/farms?name=BIG-FARM")).json).toEqual([
      {
        name: "big-farm",
        farmId: 2,
        twinId: 1,
        pricingPolicyId: 1,
        certificationType: "Gold",
        stellarAddress: "",
        dedicated: true,
        pricing: { terms: { computePercent: 100, ipv4Percent: 100, trafficPercent: 100, rentDiscountPercent: null }, next: null },
        publicIps: [{ id: "2-192.0.2.2/24", ip: "192.0.2.2/24", gateway: "192.0.2.254", contract_id: 0 }],
      },
    ]);
    expect((await get("/farms?node_status=down")).json).toHaveLength(1);
    expect((await get("/twins?twin_id=2")).json[0]).toMatchObject({
      twinId: 2,
      accountId: twinOf(2).account,
      publicKey: twinOf(2).encryptionKey,
    });
    expect((await get("/contracts/1")).json).toMatchObject({
      contract_id: 1,
      twin_id: 1,
      state: "Created",
      created_at: 1_700_000_000,
      type: "node",
      details: { nodeId: 1, number_of_public_ips: 0, farm_name: "farm-1", farm_id: 1 },
    });
    expect((await get("/contracts?type=name&name=guestbook&state=created,graceperiod")).json[0].details.name).toBe("guestbook");
    expect((await get("/public_ips?free=true&farm_ids=1")).json).toEqual([
      { id: "1-192.0.2.1/24", ip: "192.0.2.1/24", gateway: "192.0.2.254", contract_id: 0, farm_id: 1 },
    ]);
    expect((await get("/contracts/1/bills")).json).toEqual([{ amountBilled: 500, discountReceived: "None", timestamp: 1_700_001_800 }]);
    expect((await get("/twins/1/consumption")).json).toEqual({ last_hour_consumption: 0.0001, overall_consumption: 0.00005 });
  });

  it("sums the grid", async () => {
    expect((await get("/stats")).json).toMatchObject({
      nodes: 3,
      farms: 2,
      countries: 2,
      totalCru: 24,
      publicIps: 2,
      accessNodes: 1,
      gateways: 1,
      twins: 2,
      contracts: 2,
      nodesDistribution: { Belgium: 2, Egypt: 1 },
      workloads_number: 1,
      solutions: 1,
    });
    expect((await get("/stats?status=down")).json).toMatchObject({ nodes: 1, farms: 2 });
    expect((await get("/health")).json).toMatchObject({ total_state_ok: true, db_conn: "ok", chain_conn: "ok" });
    expect((await get("/ping")).json).toEqual({ ping: "pong" });
    expect((await get("/version")).json).toEqual({ version: "0.1.0" });
  });

  it("tells a solution with its parts and timeline", async () => {
    const { json } = await get("/solutions/1");
    expect(json).toMatchObject({ name: "guestbook", state: "running" });
    expect(json.parts.map(({ id }: { id: number }) => id)).toEqual([1, 2]);
    expect(json.parts[0].report.zmachines[0].name).toBe("web-1");
    const timeline = (await get("/solutions/1/timeline")).json;
    expect(timeline[0]).toMatchObject({ height: 1, code: "solution.accepted", sentence: "version 1 is accepted: agent 2 may act" });
  });
});

describe("the page", () => {
  it("serves files, falls back to the page for a person and never for a program", async () => {
    expect((await get("/app.js")).text).toBe("1");
    const navigation = { headers: { accept: "text/html", "sec-fetch-dest": "document" } };
    expect((await get("/", navigation)).text).toContain("page");
    expect((await get("/somewhere/deep", navigation)).text).toContain("page");
    expect((await get("/nodes", navigation)).text).toContain("page");
    expect((await get("/api/nodes", navigation)).json).toHaveLength(3);
    expect((await get("/api/nodes")).json).toHaveLength(3);
    expect((await get("/missing.js")).status).toBe(404);
    expect((await get("/..%2f..%2fetc/passwd")).status).not.toBe(200);
  });
});

describe("what a browser needs", () => {
  const published = {
    chain: { urls: ["http://127.0.0.1:1"], trust: { chainId: "test-1", authority: "ab".repeat(32) as never } },
    notary: ["http://127.0.0.1:2"],
    gateway: { domain: "gw.test", http: "http://gw.test:8080" },
    agentTwinId: 2,
  };
  const digest = `sha256:${"0".repeat(64)}`;
  let other: Explorer;
  const ask = async (path: string): Promise<{ status: number; json: Json }> => {
    const response = await fetch(`${other.endpoints.http}${path}`);
    return { status: response.status, json: await response.json() };
  };
  let blocked = Promise.withResolvers<string>();
  beforeAll(async () => {
    const images = { resolve: (reference: string) => (reference === "slow" ? blocked.promise : Promise.resolve(digest)) };
    other = await startExplorer({ chain: fake.client, dataDir: join(folder, "other"), host: "127.0.0.1", port: 0, grid: published, images });
  });
  afterAll(() => other.stop());

  it("says with a code and a cure that it was not set up", async () => {
    const grid = await get("/grid");
    expect([grid.status, grid.json.code]).toEqual([404, "explorer.grid_not_published"]);
    const image = await get("/images/resolve?reference=web:1");
    expect([image.status, image.json.code]).toEqual([501, "explorer.no_image_lookup"]);
    expect(image.json.cure).toContain("sha256");
  });

  it("publishes the grid and looks up images", async () => {
    expect((await ask("/api/grid")).json).toEqual(published);
    expect((await ask("/images/resolve?reference=registry.test/web:1")).json).toEqual({ reference: "registry.test/web:1", digest });
  });

  it.each(["", "reference=", "reference=--help", "reference=a%20b", `reference=${"a".repeat(600)}`])("refuses what is no reference: %s", async (query) => {
    expect((await ask(`/images/resolve?${query}`)).json.code).toBe("explorer.invalid_parameter");
  });

  it("bounds look-ups at one time, over all its paths", async () => {
    const asked = ["/images", "/api/images", "/images", "/api/images"].map((path) => ask(`${path}/resolve?reference=slow`));
    await expect.poll(async () => (await ask("/images/resolve?reference=web")).json.code).toBe("explorer.too_many_lookups");
    blocked.resolve(digest);
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    blocked = Promise.withResolvers();
    expect((await ask("/images/resolve?reference=web")).status).toBe(200);
  });
});

describe("a farm's own prices and nodes that sleep", () => {
  it("show in farms and nodes, and in the timeline", async () => {
    const power = { target: "down", targetSinceMs: 1_700_000_000_000, state: "down", stateSinceMs: 1_700_000_001_000 } as const;
    const terms = { computePercent: 80, ipv4Percent: 100, trafficPercent: 100, rentDiscountPercent: null };
    const before = (await get("/nodes/1")).json;
    fake.nodes.set(2, nodeOf(2, { up: false, power }));
    fake.farms.set(1, farmOf(1, { pricing: { terms, next: null } }));
    fake.commit([
      { type: "nodes.power", nodeId: 2 as NodeId, farmId: 1 as never, target: "down", state: "down" },
      { type: "farms.priced", farmId: 1 as never, terms, fromMs: 1_700_000_000_000 },
      { type: "nodes.updated", nodeId: 1 as NodeId },
    ]);
    await expect.poll(async () => (await get("/nodes/2/status")).json.status).toBe("standby");
    const ids = async (query: string): Promise<readonly number[]> => (await get(`/nodes?${query}`)).json.map(({ nodeId }: Json) => nodeId);
    expect([await ids("status=standby"), await ids("status=down"), await ids("status=up,standby")]).toEqual([[2], [], [1, 2, 3]]);
    expect((await get("/nodes/2")).json).toMatchObject({ status: "standby", healthy: false, power: { state: "Down", target: "Down" } });
    expect((await get("/nodes/1")).json.price_usd).toBeCloseTo(before.price_usd * 0.8, 2);
    const farms = (await get("/farms")).json;
    expect(farms.map(({ pricing }: Json) => pricing.terms.computePercent)).toEqual([80, 100]);
  });
});

describe("whole nodes for rent", () => {
  it("show who rents them, and are then nobody else's", async () => {
    const ids = async (query: string): Promise<readonly number[]> => (await get(`/nodes?${query}`)).json.map(({ nodeId }: Json) => nodeId);
    // Node 1 holds a contract; node 3 stands in a dedicated farm.
    expect([await ids("rentable=true"), await ids("rented=true"), await ids("available_for=7")]).toEqual([[2, 3], [], [1, 2]]);
    const { publicIps: _ips, instruction: _cid, resources: _res, version: _v, networks: _nets, report: _report, reportedAtMs: _at, ...base } = partOf(9, 2);
    fake.contracts.set(9, { ...base, type: "rent", twinId: 7 as never, solutionId: null });
    fake.commit([{ type: "contracts.created", contractId: 9 as never, kind: "rent", twinId: 7 as never, nodeId: 2 as NodeId, solutionId: null }]);
    await expect.poll(() => ids("rented=true")).toEqual([2]);
    expect((await get("/nodes/2")).json).toMatchObject({ rented: true, rentContractId: 9, rentedByTwinId: 7, rentable: false, dedicated: true });
    expect((await get("/nodes/1")).json).toMatchObject({ rented: false, rentContractId: 0, rentedByTwinId: 0, rentable: false });
    expect([await ids("rentable=true"), await ids("rented_by=7"), await ids("rented_by=8"), await ids("available_for=7"), await ids("available_for=8")]).toEqual([[3], [2], [], [1, 2], [1]]);
    expect(await ids("rentable_or_rented_by=7")).toEqual([2, 3]);
    const farms = async (query: string): Promise<readonly number[]> => (await get(`/farms?${query}`)).json.map(({ farmId }: Json) => farmId);
    expect([await farms("node_rented_by=7"), await farms("node_rented_by=8"), await farms("node_available_for=8")]).toEqual([[1], [], [1]]);
  });
});
