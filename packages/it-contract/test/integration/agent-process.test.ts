import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connectNotary, documents, type NotaryClient, type RunningNotary, startNotary } from "@tfgrid/notary";
import { type KeyPair, mnemonicOf, silentLogger, type SolutionId, systemEntropy, type TwinId } from "@tfgrid/primitives";
import { type Call, testing } from "@tfgrid/tfchain";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDocument, parseComposeOrThrow } from "../../src/index.ts";

const GIB = 2 ** 30;
const folder = mkdtempSync(join(tmpdir(), "it-contract-"));
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const agents: ChildProcess[] = [];
let ledger: testing.TestChain;
let notaryServer: RunningNotary;
let notary: NotaryClient;
let configFile: string;

const submit = (key: KeyPair, ...calls: Call[]) => ledger.client.submit(key, calls);
const twinCall = (key: KeyPair): Call => ({ type: "twins.create", relays: [], encryptionKey: key.encryptionKey });
const twinOf = async (key: KeyPair): Promise<TwinId> => (await ledger.client.twinByAccount(key.account))!.id;

async function startAgentProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [main, "--config", configFile], { stdio: ["ignore", "pipe", "pipe"] });
  agents.push(child);
  const words: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => words.push(chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => (chunk.toString().includes('"ready":true') ? resolve() : undefined));
    child.once("exit", (code) => reject(new Error(`the agent ended with ${code}: ${words.join("")}`)));
  });
  return child;
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => (child.exitCode === null && child.signalCode === null ? child.once("exit", resolve) : resolve(child.exitCode)));

async function deploy(name: string): Promise<SolutionId> {
  const user = ledger.key("alice");
  const agent = testing.testKey("agent");
  const agentTwinId = await twinOf(agent);
  const { draft } = await parseComposeOrThrow({
    text: `name: ${name}\nx-grid: { budget: 50 }\nservices:\n  web: { image: "web:1", scale: 2, x-grid: { placement: { spread: node } }, x-ingress: { port: 80, name: ${name} } }`,
    fileName: "compose.yaml",
    environment: {},
    readFile: () => Promise.reject(new Error("none")),
  });
  const document = await buildDocument({
    draft,
    version: 1,
    ownerTwinId: await twinOf(user),
    agent: async () => ({ twinId: agentTwinId, encryptionKey: agent.encryptionKey }),
    images: { resolve: async () => `sha256:${"0".repeat(64)}` },
    farmIdByName: async () => undefined,
    entropy: systemEntropy,
    signal: new AbortController().signal,
  });
  const cid = await notary.put({ schema: documents.solutionDocument, value: document, signer: user, twinId: await twinOf(user), readers: [agentTwinId] });
  const { signers, thresholds, budgetPerHourUnits } = document;
  await submit(user, { type: "solutions.create", name, document: cid, agentTwinId, signers, thresholds, budgetPerHourUnits, depositUnits: 10n ** 10n });
  return (await ledger.client.solutionByName(await twinOf(user), name))!.id;
}

beforeAll(async () => {
  ledger = await testing.startTestChain({ params: { heartbeatIntervalMs: 3_600_000 } });
  notaryServer = await startNotary({ dataDir: join(folder, "notary"), host: "127.0.0.1", port: 0, chain: ledger.client, logger: silentLogger });
  notary = connectNotary({ urls: [notaryServer.endpoints.url], chain: ledger.client });
  for (const name of ["alice", "agent"]) await submit(ledger.key(name), twinCall(ledger.key(name)));
  const farmer = ledger.key("farmer");
  await submit(farmer, twinCall(farmer), { type: "farms.create", name: "farm", dedicated: false });
  const total = { cpuMilli: 8_000, memoryBytes: 8 * GIB, ssdBytes: 50 * GIB, hddBytes: 0 };
  for (const name of ["n1", "n2", "n3"]) {
    const key = testing.testKey(name);
    await ledger.addNode({ farm: "farm", key, newTwin: true, profile: { total, ...(name === "n3" ? { publicConfig: { domain: "gw.example.org" } } : {}) } });
  }
  const mnemonicFile = join(folder, "agent.mnemonic");
  writeFileSync(mnemonicFile, mnemonicOf(testing.testKey("agent").secretSeed));
  configFile = join(folder, "agent.json");
  writeFileSync(configFile, JSON.stringify({ chain: { urls: [ledger.url], trust: ledger.trust }, notary: { urls: [notaryServer.endpoints.url] }, mnemonicFile }));
});

afterAll(async () => {
  for (const agent of agents) agent.kill("SIGKILL");
  await notaryServer.stop();
  await ledger.stop();
  rmSync(folder, { recursive: true });
});

const partsOf = (id: SolutionId) => ledger.client.contracts({ solutionId: id, active: true });

describe("the agent as a process, with a real ledger and notary", () => {
  it("deploys, is killed, comes back and ends cleanly", async () => {
    const first = await startAgentProcess();
    const started = performance.now();
    const one = await deploy("one");
    await expect.poll(() => partsOf(one)).toHaveLength(4);
    const reactedMs = performance.now() - started;
    first.kill("SIGKILL");
    await ended(first);
    const two = await deploy("two");
    expect(await partsOf(two)).toHaveLength(0);
    const second = await startAgentProcess();
    await expect.poll(() => partsOf(two)).toHaveLength(4);
    expect(await partsOf(one)).toHaveLength(4);
    expect(await ledger.client.solution(one)).toMatchObject({ state: "deploying", note: { code: "it_contract.deploying" } });
    second.kill("SIGTERM");
    expect(await ended(second)).toBe(0);
    process.stdout.write(`deploy and all contracts on the ledger: ${Math.round(reactedMs)} ms\n`);
  });

  it("refuses a bad configuration with a code", async () => {
    writeFileSync(join(folder, "bad.json"), JSON.stringify({ chain: {} }));
    const child = spawn(process.execPath, [main, "--config", join(folder, "bad.json")], { stdio: ["ignore", "ignore", "pipe"] });
    const words: string[] = [];
    child.stderr.on("data", (chunk: Buffer) => words.push(chunk.toString()));
    expect(await ended(child)).toBe(1);
    expect(words.join("")).toContain("it_contract.bad_config");
  });
});
