/**
 * kill -9 at random moments of a deployment and of its changes: everything converges, nothing acknowledged is lost, nothing
 * is left over. The seed is printed; `TFGRID_SEED=N` repeats the order and the pauses (not the machine's own timing).
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyPairFromSeed, seedOfMnemonic } from "../packages/primitives/src/index.ts";
import { type ChainAccess, type ChainClient, connectChain } from "../packages/tfchain/src/index.ts";
import { type CliResult, type Json, type TestGrid, leftoversOf, startGrid } from "./support/grid.ts";

const HOST = "guestbook.grid.localhost";
const PAGE = "page.grid.localhost";
const VICTIMS = ["chain", "notary", "relay", "explorer", "agent", "node", "haproxy"] as const;
/** ms. Longest pause between two deaths: short against a deployment, long enough for several of its steps. */
const LONGEST_PAUSE_MS = 1_500;
const seed = Number(process.env["TFGRID_SEED"] ?? Date.now() % 1_000_000);

let grid: TestGrid;
let chain: ChainClient;

beforeAll(async () => {
  process.stdout.write(`kill -9 with TFGRID_SEED=${seed}\n`);
  grid = await startGrid();
  chain = connectToChain();
});
afterAll(async () => {
  await chain.close();
  await grid.down();
  expect(grid.leftovers()).toEqual([]);
});

/** Marsaglia's xorshift32: enough to choose whom and when. */
function randomNumbers(from: number): () => number {
  let state = (from >>> 0) + 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
const random = randomNumbers(seed);

function inRandomOrder<T>(items: readonly T[]): readonly T[] {
  return items.map((item) => ({ item, at: random() })).sort((a, b) => a.at - b.at).map(({ item }) => item);
}

function connectToChain(): ChainClient {
  const { chain: at } = JSON.parse(readFileSync(join(grid.stateDir, "endpoints.json"), "utf8")) as { chain: ChainAccess };
  return connectChain({ urls: at.urls, trust: at.trust });
}

const programs = (): Readonly<Record<string, { readonly pid: number }>> => JSON.parse(readFileSync(join(grid.stateDir, "run", "processes.json"), "utf8")) as Record<string, { pid: number }>;
const nodeNames = (): readonly string[] => Object.keys(programs()).filter((name) => name.startsWith("node-"));
const haproxyPid = (): number => Number(readFileSync(join(grid.stateDir, "nodes", "gw1", "gateway", "haproxy.pid"), "utf8").trim().split("\n")[0]);
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";

/** Kills one and waits until another process has taken its place. */
async function killOne(victim: (typeof VICTIMS)[number]): Promise<void> {
  const nodes = nodeNames();
  const name = victim === "node" ? (nodes[Math.floor(random() * nodes.length)] as string) : victim;
  const pidOf = (): number => (victim === "haproxy" ? haproxyPid() : (programs()[name]?.pid ?? 0));
  const before = pidOf();
  process.kill(before, "SIGKILL");
  await grid.until(`${name} is replaced`, async () => pidOf() !== before && pidOf() > 0 && isAlive(pidOf()));
}

/** Runs the command and meanwhile kills one after the other, in random order, with random pauses. */
async function amidDeaths(...args: readonly string[]): Promise<CliResult> {
  const running = grid.cli(...args);
  for (const victim of inRandomOrder(VICTIMS)) {
    await sleep(random() * LONGEST_PAUSE_MS);
    await killOne(victim);
  }
  return running;
}

function pageFile(title: string): string {
  const file = join(grid.stateDir, "page.yaml");
  const text = `name: page
x-grid:
  budget: 5 TFT/h
  deposit: 50 TFT
services:
  page:
    image: \${REGISTRY:-registry.grid.localhost}/guestbook-web:1
    environment:
      TITLE: ${title}
    healthcheck:
      x-http: 8080/healthz
      interval: 2s
      timeout: 2s
      retries: 3
      start_interval: 200ms
      start_period: 10s
    deploy:
      replicas: 2
      resources:
        limits:
          cpus: "0.25"
          memory: 128m
          pids: 64
      update_config:
        order: start-first
        monitor: 1s
    x-ingress:
      name: page
      port: 8080
`;
  writeFileSync(file, text);
  return file;
}

const zmachinesOf = (status: Json): readonly Json[] => status.contracts.flatMap((contract: Json) => (contract.type === "node" ? (contract.report?.zmachines ?? []) : []));

/** The solution runs in this version, with this many healthy zmachines, and answers. */
async function converged(version: number, replicas: number): Promise<void> {
  await grid.until(
    `version ${version} runs with ${replicas} replicas`,
    async () => {
      const status = await grid.status();
      const page = status.solutions.find((entry: Json) => entry.name === "page");
      const healthy = zmachinesOf(status).filter((zmachine) => zmachine.service === "page" && zmachine.state === "healthy");
      if (page?.version === version && page.state === "running" && healthy.length === replicas) return true;
      throw new Error(`version ${page?.version} is ${page?.state} (${page?.note?.message}), ${healthy.length} healthy`);
    },
    120_000,
  );
  await grid.until("the page answers", async () => (await grid.fetch(PAGE, "/healthz")).status === 200);
  await grid.until("nothing else is there", async () => {
    const [found, wanted] = [await thingsOf(), await wantedOf()];
    if (JSON.stringify(found) === JSON.stringify(wanted)) return true;
    throw new Error(`found ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`);
  });
}

/** What the machines hold: zmachines' namespaces and volumes. */
async function thingsOf(): Promise<{ readonly zmachines: number; readonly volumes: number }> {
  const namespaces = execFileSync("ip", ["netns"], { encoding: "utf8" }).split("\n").filter((line) => line.startsWith(grid.prefix) && line.includes("-m-"));
  const volumes = readdirSync(join(grid.stateDir, "nodes")).flatMap((node) => imagesIn(join(grid.stateDir, "nodes", node, "volumes")));
  return { zmachines: namespaces.length, volumes: volumes.length };
}

function imagesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".img")) : [];
}

/** What they should hold: the ledger's word, where every contract is a part of a solution that lives. */
async function wantedOf(): Promise<{ readonly zmachines: number; readonly volumes: number }> {
  const status = await grid.status();
  const parts = status.solutions.flatMap((solution: Json) => solution.parts);
  expect(status.contracts.map((contract: Json) => contract.id).toSorted()).toEqual(parts.toSorted());
  return { zmachines: zmachinesOf(status).length, volumes: 1 };
}

/** Writes and remembers what was acknowledged, until told to stop. */
function witness(): { stop(): Promise<void>; readonly messages: readonly string[]; readonly receipts: readonly { readonly hash: string; readonly height: number }[]; readonly heads: readonly number[] } {
  const messages: string[] = [];
  const receipts: { hash: string; height: number }[] = [];
  const heads: number[] = [];
  const keyOf = (role: string) => keyPairFromSeed(seedOfMnemonic(readFileSync(join(grid.stateDir, "keys", `${role}.mnemonic`), "utf8")));
  const [farmer, user] = [keyOf("farmer"), keyOf("user")];
  const stopping = new AbortController();
  const again = async (work: () => Promise<void>): Promise<void> => {
    while (!stopping.signal.aborted) {
      // What fails was not acknowledged, so nothing is owed.
      await work().catch(() => undefined);
      await sleep(100);
    }
  };
  let written = 0;
  const loops = [
    again(async () => {
      const text = `message ${(written += 1)}`;
      const answer = await grid.fetch(HOST, "/messages", { method: "POST", body: JSON.stringify({ name: "witness", text }), timeoutMs: 3000 });
      if (answer.status === 201) messages.push(text);
    }),
    again(async () => {
      const { hash, height } = await chain.submit(farmer, [{ type: "accounts.transfer", to: user.account, amountUnits: 1n }]);
      receipts.push({ hash, height });
    }),
    again(async () => void heads.push((await chain.head()).height)),
  ];
  return { messages, receipts, heads, stop: async () => (stopping.abort(), void (await Promise.all(loops))) };
}

async function nothingLost(seen: ReturnType<typeof witness>): Promise<void> {
  const { body } = await grid.fetch(HOST, "/messages");
  const kept = new Set((JSON.parse(body) as { text: string }[]).map((message) => message.text));
  expect(seen.messages.filter((text) => !kept.has(text))).toEqual([]);
  expect(seen.messages.length).toBeGreaterThan(0);
  expect(seen.heads).toEqual(seen.heads.toSorted((a, b) => a - b));
  expect(seen.receipts.length).toBeGreaterThan(0);
  const head = (await chain.head()).height;
  for (const { hash, height } of seen.receipts) {
    expect(height).toBeLessThanOrEqual(head);
    expect(await transaction(hash), `transaction ${hash} of an acknowledged receipt`).toMatchObject({ height });
  }
}

async function transaction(hash: string): Promise<Json> {
  const { endpoints } = await rememberedEndpoints();
  const response = await fetch(endpoints.chain.url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tx.get", params: { hash } }) });
  return ((await response.json()) as Json).result;
}

async function rememberedEndpoints(): Promise<Json> {
  return { endpoints: JSON.parse(readFileSync(join(grid.stateDir, "endpoints.json"), "utf8")) as Json };
}

describe("kill -9", () => {
  it("of everything, one after the other, amid a deployment and its changes", async () => {
    const seen = witness();
    const steps = [
      { what: "deployed", args: ["solution", "deploy", pageFile("One")], version: 1, replicas: 2 },
      { what: "updated", args: ["solution", "update"], version: 2, replicas: 2 },
      { what: "scaled", args: ["solution", "scale", "page", "page=3"], version: 3, replicas: 3 },
    ] as const;
    for (const { what, args, version, replicas } of steps) {
      const startedMs = Date.now();
      const result = await amidDeaths(...(what === "updated" ? [...args, pageFile("Two")] : args));
      expect(result.code, result.stdout + result.stderr).toBe(0);
      await converged(version, replicas);
      process.stdout.write(`${what} amid ${VICTIMS.length} deaths: converged after ${Date.now() - startedMs} ms\n`);
    }
    await seen.stop();
    await nothingLost(seen);
    process.stdout.write(`acknowledged and there: ${seen.messages.length} messages, ${seen.receipts.length} transactions\n`);
  });

  it("of the supervisor: down leaves nothing, up goes on", async () => {
    await grid.until("a last message", async () => (await grid.fetch(HOST, "/messages", { method: "POST", body: JSON.stringify({ name: "ada", text: "the last word" }) })).status === 201);
    const headBefore = (await chain.head()).height;
    const before = await grid.status();
    process.kill(before.supervisorPid, "SIGKILL");
    const down = await grid.cli("down");
    expect(down.code, down.stdout + down.stderr).toBe(0);
    expect(leftoversOf(grid.prefix, grid.stateDir)).toEqual([]);

    const startedMs = Date.now();
    const up = await grid.cli("up", "--detach");
    expect(up.code, up.stdout + up.stderr).toBe(0);
    process.stdout.write(`up again after ${Date.now() - startedMs} ms\n`);
    expect((await chain.head()).height).toBeGreaterThanOrEqual(headBefore);
    await converged(3, 3);
    expect((await grid.fetch(HOST, "/messages")).body).toContain("the last word");
    // Nothing was moved: the same contracts as before.
    const ids = (status: Json): readonly number[] => status.contracts.map((contract: Json) => contract.id).toSorted();
    expect(ids(await grid.status())).toEqual(ids(before));
  });

  it("of everything amid a cancellation: nothing of the solution stays", async () => {
    const result = await amidDeaths("solution", "cancel", "page");
    expect(result.code, result.stdout + result.stderr).toBe(0);
    await grid.until("only the guestbook is left", async () => {
      const status = await grid.status();
      return status.solutions.length === 1 && JSON.stringify(await thingsOf()) === JSON.stringify(await wantedOf());
    });
    await grid.until("the guestbook answers", async () => (await grid.fetch(HOST, "/")).status === 200);
  });
});
