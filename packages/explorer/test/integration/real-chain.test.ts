import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cidOf } from "@tfgrid/primitives";
import { testing } from "@tfgrid/tfchain";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { EventJson } from "../../src/index.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
let chain: testing.TestChain;
let folder: string;
let program: ChildProcess | undefined;
let url = "";

async function start(): Promise<void> {
  const child = spawn(process.execPath, [MAIN, "--config", join(folder, "explorer.json")], { stdio: ["ignore", "pipe", "inherit"] });
  program = child;
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { ready: boolean; endpoints: { http: string } };
    if (!said.ready) continue;
    url = said.endpoints.http;
    return;
  }
  throw new Error("the explorer ended before it was ready");
}
const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => (child.exitCode === null && child.signalCode === null ? child.once("exit", resolve) : resolve(child.exitCode)));
const json = async <T>(path: string): Promise<T> => (await fetch(`${url}${path}`)).json() as Promise<T>;

beforeEach(async () => {
  chain = await testing.startTestChain();
  folder = await mkdtemp(join(tmpdir(), "explorer-"));
  const config = { chain: { urls: [chain.url], trust: chain.trust }, dataDir: join(folder, "data"), host: "127.0.0.1", port: 0 };
  await writeFile(join(folder, "explorer.json"), JSON.stringify(config));
});
afterEach(async () => {
  program?.kill("SIGKILL");
  await chain.stop();
  await rm(folder, { recursive: true });
});

it("indexes a real ledger, and kill -9 at any moment leaves neither gap nor repeat", async () => {
  const alice = chain.key("alice");
  await chain.client.submit(alice, [{ type: "twins.create", relays: ["/ip4/127.0.0.1/tcp/1"], encryptionKey: alice.account as never }]);
  await chain.client.submit(alice, [{ type: "farms.create", name: "freefarm", dedicated: false }]);
  await start();
  await expect.poll(() => json("/farms?name=freefarm")).toHaveLength(1);
  expect(await json<unknown>("/twins?twin_id=1")).toMatchObject([{ twinId: 1, accountId: alice.account }]);
  const documents: string[] = [];
  let killing = true;
  const anchor = async (): Promise<void> => {
    const document = cidOf(new TextEncoder().encode(`document ${documents.length}`));
    await chain.client.submit(alice, [{ type: "notary.anchor", document, contractId: null, solutionId: null }]);
    documents.push(document);
  };
  const work = (async () => {
    // oxlint-disable-next-line no-unmodified-loop-condition -- ended below, after the last kill
    while (killing) await anchor();
    await anchor();
  })();
  for (let kills = 0; kills < 3; kills += 1) {
    const seen = documents.length;
    await expect.poll(() => documents.length).toBeGreaterThanOrEqual(seen + 5);
    const child = program;
    child?.kill("SIGKILL");
    if (child !== undefined) await ended(child);
    await start();
  }
  killing = false;
  await work;
  const { height } = await chain.client.head();
  const all = () => json<(EventJson & { event: { document?: string } })[]>("/events?from=1&size=100000");
  const anchored = async () => (await all()).filter(({ type }) => type === "notary.anchored").map(({ event }) => event.document);
  await expect.poll(async () => (await anchored()).length).toBeGreaterThanOrEqual(documents.length);
  expect(await anchored()).toEqual(documents);
  expect((await json<{ height: number }>("/head")).height).toBeGreaterThanOrEqual(Math.min(height, (await all()).at(-1)?.height ?? 0));
  const status = await readFile(`/proc/${program?.pid}/status`, "utf8");
  process.stdout.write(`explorer's resident memory: ${/VmRSS:\s+(\d+)/.exec(status)?.[1]} kB\n`);
  const child = program as ChildProcess;
  child.kill("SIGTERM");
  expect(await ended(child)).toBe(0);
});

it("says that the ledger is away, and goes on when it is back", async () => {
  await start();
  const healthy = async () => (await json<{ total_state_ok: boolean }>("/health")).total_state_ok;
  await expect.poll(healthy).toBe(true);
  await chain.chain.stop();
  await expect.poll(healthy).toBe(false);
  expect((await fetch(`${url}/nodes`)).status).toBe(200);
});
