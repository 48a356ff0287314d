/** What the page signs, on a real ledger with a real notary: deployed, scaled and ended in a browser. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectNotary, documents, startNotary } from "@tfgrid/notary";
import { decode, mnemonicOf, silentLogger } from "@tfgrid/primitives";
import { chain as types, type Solution, testing } from "@tfgrid/tfchain";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildPage, openBrowser } from "../support/build.ts";
import { type MockApi, startMockApi } from "../support/mock-api.ts";

const closers: (() => Promise<unknown>)[] = [];
const [owner, agent, farmer, nodeKey] = [testing.testKey("alice"), testing.testKey("agent"), testing.testKey("farmer"), testing.testKey("carol")];
const words = mnemonicOf(owner.secretSeed);
let grid: Awaited<ReturnType<typeof testing.startTestChain>>;
let notaryUrl: string;
let browser: Browser;
let api: MockApi;
let page: Page;
const failures: string[] = [];

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "tfgrid-signing-"));
  closers.push(() => rm(folder, { recursive: true }));
  grid = await testing.startTestChain({ blockIntervalMs: 20, params: { heartbeatIntervalMs: 600_000 } });
  closers.push(() => grid.stop());
  const notary = await startNotary({ dataDir: join(folder, "notary"), host: "127.0.0.1", port: 0, chain: grid.client, logger: silentLogger });
  closers.push(() => notary.stop());
  notaryUrl = notary.endpoints.url;
  for (const key of [owner, agent, farmer, nodeKey]) await grid.client.submit(key, [{ type: "twins.create", relays: [], encryptionKey: key.encryptionKey }]);
  await grid.client.submit(farmer, [{ type: "farms.create", name: "north", dedicated: false }]);
  await grid.addNode({ farm: "north", key: nodeKey });
  await buildPage(join(folder, "page"));
  api = await startMockApi(join(folder, "page"));
  closers.push(() => api.stop());
  const agentTwinId = (await grid.client.twinByAccount(agent.account))!.id;
  api.answers.set("/grid", { chain: { urls: [grid.url], trust: grid.trust }, notary: [notaryUrl], agentTwinId });
  browser = await openBrowser();
  closers.push(() => browser.close());
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(60_000);
  page.on("pageerror", (error) => failures.push(error.message));
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

async function theSolution(): Promise<Solution> {
  const solution = (await grid.client.solutions()).at(-1);
  if (solution === undefined) throw new Error("there is no solution");
  return solution;
}

/** What the explorer would answer about it now. */
async function tellExplorer(): Promise<Solution> {
  const solution = await theSolution();
  const { parts, ...rest } = types.solution.toJson(solution) as { readonly parts: unknown };
  api.answers.set(`/solutions/${solution.id}`, { ...rest, partIds: parts, parts: [] });
  api.answers.set(`/solutions/${solution.id}/timeline`, []);
  return solution;
}

async function replicasOf({ document, id }: Solution): Promise<number | undefined> {
  const twinId = (await grid.client.twinByAccount(owner.account))!.id;
  const stored = await connectNotary({ urls: [notaryUrl], chain: grid.client }).get({ cid: document, signer: owner, twinId, solutionId: id });
  return decode(documents.solutionDocument, stored.bytes, { maxBytes: documents.DOCUMENT_LIMITS.documentBytes }).services[0]?.replicas;
}

it("makes a contract of a Compose file, signed in the page", async () => {
  await page.goto(`${api.url}/deploy`);
  const image = `registry.test/web@sha256:${"0".repeat(64)}`;
  await page.getByRole("textbox", { name: "Compose file" }).fill(`name: shop\nx-grid:\n  budget: 5 TFT/h\nservices:\n  web:\n    image: ${image}\n`);
  await page.getByRole("list", { name: "Placement" }).getByText("web-1").waitFor();
  await page.getByLabel(/Your 24 words/).fill(words);
  await page.getByRole("button", { name: "Sign and deploy" }).click();
  await page.waitForURL(/\/solutions\/\d+$/);
  expect(await theSolution()).toMatchObject({ name: "shop", state: "accepted", version: 1 });
});

it("changes replicas after the plan was shown, and not before", async () => {
  const solution = await tellExplorer();
  await page.goto(`${api.url}/solutions/${solution.id}`);
  const field = page.getByLabel(/Your 24 words/);
  await field.fill("these words are wrong");
  await page.getByRole("button", { name: "Scale …" }).click();
  await page.getByRole("alert").getByText("keys.bad_mnemonic").waitFor();
  await field.fill(words);
  await page.getByRole("button", { name: "Scale …" }).click();
  const count = page.getByRole("spinbutton", { name: "web" });
  await count.waitFor();
  expect(await page.getByRole("button", { name: "Show the plan" }).isDisabled()).toBe(true);
  await count.fill("2");
  await page.getByRole("button", { name: "Show the plan" }).click();
  await page.getByRole("list", { name: "Placement" }).getByText("web-2").waitFor();
  expect(await theSolution()).toMatchObject({ version: 1 });
  await page.getByRole("button", { name: "Sign version 2" }).click();
  await page.getByText("Version 2 is signed and on the ledger.").waitFor();
  const after = await tellExplorer();
  expect([after.version, after.pending, await replicasOf(after)]).toEqual([2, null, 2]);
});

it("ends only when its name is typed, and the words are forgotten by then", async () => {
  await page.getByRole("button", { name: "Another change" }).click();
  const field = page.getByLabel(/Your 24 words/);
  expect(await field.inputValue()).toBe("");
  await field.fill(words);
  await page.getByRole("button", { name: "End it …" }).click();
  const end = page.getByRole("button", { name: "Sign and end" });
  await page.getByLabel("Type shop to confirm").fill("sho");
  expect(await end.isDisabled()).toBe(true);
  await page.getByLabel("Type shop to confirm").fill("shop");
  await end.click();
  await page.getByText("The end is signed and on the ledger.").waitFor();
  expect(await theSolution()).toMatchObject({ state: "cancelled" });
  expect(failures).toEqual([]);
});
