import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildPage, openBrowser } from "../support/build.ts";
import { type MockApi, startMockApi } from "../support/mock-api.ts";

let folder: string;
let browser: Browser;
let api: MockApi;
let page: Page;
let failures: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tfgrid-page-"));
  await buildPage(folder);
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  api = await startMockApi(folder);
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(60_000);
  failures = [];
  page.on("pageerror", (error) => failures.push(error.message));
});
afterEach(async () => {
  await page.close();
  await api.stop();
  if (failures.length > 0) throw new Error(`the page threw: ${failures.join("; ")}`);
});

const open = (path: string) => page.goto(`${api.url}${path}`);
const seen = (name: string | RegExp, role: "heading" | "link" | "button" | "alert" | "status" = "heading") => page.getByRole(role, { name }).first().waitFor();

describe("the overview", () => {
  it("shows capacity, nodes on the map, solutions and what happens, without any other origin", async () => {
    const origins = new Set<string>();
    page.on("request", (request) => origins.add(new URL(request.url()).origin));
    await open("/");
    await seen(/Nodes up 8 of 9/, "link");
    await page.getByRole("group", { name: "World map with 9 nodes" }).waitFor();
    await seen("Node 6, Recife, Brazil: lost", "link");
    await page.getByRole("log", { name: "Events" }).getByText("billing: node 6 lost with db-1.").waitFor();
    await page.getByText("*.gw.grid.localhost").waitFor();
    expect([...origins]).toEqual([api.url]);
  });

  it("takes an event from the stream, tells it and reads again what it changed", async () => {
    await open("/");
    await seen(/Nodes up 8 of 9/, "link");
    const nodes = api.answers.get("/nodes") as { nodeId: number; status: string }[];
    api.answers.set("/nodes", nodes.map((node) => ({ ...node, status: "up" })));
    await page.getByRole("status", { name: "Connection" }).getByText("Live").waitFor();
    api.emit({ seq: 9_000, height: 17, timeMs: Date.now(), type: "nodes.up", code: "node.up", level: "good", sentence: "node 6 is up", solutionId: null, contractId: null, nodeId: 6 });
    await page.getByText("Node 6 is up.").waitFor();
    await seen(/Nodes up 9 of 9/, "link");
  });

  it("says what is wrong with its cure, and recovers by retry", async () => {
    api.failing.set("/nodes", { status: 500, body: { code: "explorer.internal", message: "The explorer failed to answer.", cure: "Try again in a moment." } });
    await open("/");
    const alert = page.getByRole("alert").first();
    await alert.getByText("The explorer failed to answer.").waitFor();
    await alert.getByText("Try again in a moment.").waitFor();
    api.failing.clear();
    await alert.getByRole("button", { name: "Try again" }).click();
    await seen(/Nodes up 8 of 9/, "link");
  });

  it("keeps what it has when the explorer goes away", async () => {
    await open("/");
    await seen(/Nodes up 8 of 9/, "link");
    await api.stop();
    await page.getByRole("status", { name: "Connection" }).getByText(/stale since|out of reach/).waitFor();
    expect(await page.getByRole("link", { name: /Nodes up 8 of 9/ }).count()).toBe(1);
  });
});

describe("nodes", () => {
  it("filters by words and status, with the filter in the address", async () => {
    await open("/nodes");
    const rows = page.getByRole("table", { name: "Nodes" }).getByRole("row");
    await seen("Node 9", "link");
    expect(await rows.count()).toBe(10);
    await page.getByRole("searchbox", { name: "Search" }).fill("nile");
    await page.getByText("2 nodes of 9").waitFor();
    await page.getByRole("combobox", { name: "Status" }).selectOption("down");
    await page.getByText("1 node of 9").waitFor();
    expect(new URL(page.url()).search).toBe("?search=nile&status=down");
    await page.reload();
    await page.getByText("1 node of 9").waitFor();
    expect(await rows.count()).toBe(2);
  });

  it("shows one node with capacity, network and contracts, by keyboard", async () => {
    await open("/nodes?search=ghent");
    const link = page.getByRole("link", { name: "Node 1", exact: true });
    await link.waitFor();
    await link.focus();
    await page.keyboard.press("Enter");
    await seen("Node 1");
    await page.getByRole("meter", { name: "Cores" }).waitFor();
    await page.getByText("10.231.7.11:20000").waitFor();
    expect(await page.getByRole("table", { name: "Contracts on node 1" }).getByRole("link", { name: "guestbook" }).count()).toBe(1);
  });
});

describe("a solution", () => {
  it("is a picture of nodes with zmachines, routes, money and a timeline", async () => {
    await open("/solutions/1");
    await seen("guestbook");
    const picture = page.getByRole("group", { name: "Services and where they run" });
    const node = picture.getByRole("region", { name: "Node 1" });
    await node.getByText("store-1").waitFor();
    expect(await node.getByText("web-2").count()).toBe(0);
    expect(await picture.getByRole("region", { name: "Node 4" }).getByText("web-2").count()).toBe(1);
    const route = picture.getByRole("region", { name: "Route guestbook.gw.grid.localhost" });
    await route.getByText("2 healthy zmachines behind it").waitFor();
    expect(await route.getByRole("link", { name: "guestbook.gw.grid.localhost" }).getAttribute("href")).toBe("http://guestbook.gw.grid.localhost:8080");
    await page.getByText("194 TFT", { exact: true }).waitFor();
    await page.getByRole("log", { name: "Timeline" }).getByText("Running: all 3 zmachines are healthy.").waitFor();
  });

  it("does not claim that zmachines of a lost node run", async () => {
    await open("/solutions/2");
    const lost = page.getByRole("region", { name: "Node 6" });
    await lost.getByText("db-1").waitFor();
    await lost.getByText("unknown").waitFor();
    expect(await lost.getByText("healthy").count()).toBe(0);
  });

  it("fits a phone without sideways scrolling", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open("/solutions/1");
    await page.getByRole("region", { name: "Node 1" }).getByText("store-1").waitFor();
    const width = Number(await page.evaluate("document.documentElement.scrollWidth"));
    expect(width).toBeLessThanOrEqual(390);
  });

  it("that does not exist is said so", async () => {
    await open("/solutions/77");
    await page.getByRole("alert").first().getByText("nothing here").waitFor();
  });
});

describe("deploying", () => {
  it("shows every problem with key, line and cure while typing, and goes to its line", async () => {
    await open("/deploy");
    const area = page.getByRole("textbox", { name: "Compose file" });
    await area.fill("name: shop\nx-grid:\n  budget: 1 TFT/h\nservices:\n  web:\n    image: registry.test/web:1\n    privileged: true\n");
    const problems = page.getByRole("list", { name: "Problems" });
    const problem = problems.getByRole("button", { name: /line 7.*services\.web\.privileged/ });
    await problem.waitFor();
    await problem.getByText("Remove the key or use what the message names instead.").waitFor();
    await problem.click();
    const selected = "(() => { const area = document.activeElement; return area.value.slice(area.selectionStart, area.selectionEnd); })()";
    expect(await page.evaluate(selected)).toBe("    privileged: true");
    await area.fill((await area.inputValue()).replace("    privileged: true\n", ""));
    await page.getByRole("status", { name: "Result of the check" }).getByText("The file is good").waitFor();
  });

  it("says why it cannot plan when images cannot be looked up", async () => {
    api.failing.set("/images/resolve", { status: 501, body: { code: "explorer.no_image_lookup", message: "No look-ups here.", cure: "Pin the image." } });
    await page.route("http://127.0.0.1:1/**", (route) => route.abort());
    await open("/deploy");
    await page.getByRole("button", { name: "Example" }).click();
    await page.getByRole("alert").getByText("It cannot be placed like this.").waitFor();
    expect(await page.getByRole("button", { name: "Sign and deploy" }).count()).toBe(0);
  });
});
