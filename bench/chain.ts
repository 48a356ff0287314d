/**
 * `node bench/chain.ts [contracts] [senders]`: signed, contract-creating transactions per second through the RPC of a solo chain
 * in a process of its own (one WebSocket, a bounded number open at once), the time of one submission at rest, and what an
 * idle chain costs. Signing is done beforehand. `CHAIN_CPU_PROFILE=FOLDER`: writes a CPU profile of the chain there.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createPrivateKey, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { bytesToHex, cidOf, domainBytes, encode, utf8 } from "@tfgrid/primitives";
import { type Call, type ChainClient, chain, connectChain, runtime, testing } from "@tfgrid/tfchain";
import { median } from "./statistics.ts";

const [contracts = 20_000, senders = 200] = process.argv.slice(2).map(Number);
/** Open submissions: enough to fill blocks, below the server's bound for one connection. */
const WINDOW = 1_500;
const CHAIN_ID = "bench";
const folder = mkdtempSync(join(tmpdir(), "tfgrid-bench-"));
const names = Array.from({ length: senders }, (_, index) => `bench ${index}`);

function writeFiles(): void {
  const accounts = ["farmer", ...names].map((name) => ({ id: testing.testKey(name).account, freeUnits: 10n ** 14n }));
  const genesis = runtime.defaultGenesis({
    chainId: CHAIN_ID,
    preset: "main",
    foundation: testing.testKey("foundation").account,
    validatorsPool: testing.testKey("validators").account,
    accounts,
  });
  writeFileSync(join(folder, "genesis.json"), JSON.stringify(runtime.genesisToJson(genesis)));
  writeFileSync(join(folder, "seed"), bytesToHex(testing.testKey("authority").secretSeed));
  writeFileSync(join(folder, "config.json"), JSON.stringify({ dataDir: "data", genesisFile: "genesis.json", authoritySeedFile: "seed" }));
}

async function start(): Promise<{ child: ChildProcess; url: string }> {
  const main = new URL("../packages/tfchain/src/main.ts", import.meta.url).pathname;
  const { CHAIN_CPU_PROFILE: profile } = process.env;
  const flags = profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profile];
  const child = spawn(process.execPath, [...flags, main, "--config", join(folder, "config.json")], { stdio: ["ignore", "pipe", "inherit"] });
  child.once("exit", (code) => {
    if (code !== 0 && !child.killed) throw new Error(`the chain has ended with code ${code}`);
  });
  const line = await new Promise<string>((resolve) => child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString())));
  return { child, url: (JSON.parse(line) as { endpoints: { rpc: string } }).endpoints.rpc };
}

const twinCall = (name: string): Call => ({ type: "twins.create", relays: [], encryptionKey: testing.testKey(name).encryptionKey });

/** A farm with one node of the largest size, and a twin for each sender. */
async function prepare(client: ChainClient): Promise<Call> {
  const farmer = testing.testKey("farmer");
  await client.submit(farmer, [twinCall("farmer"), { type: "farms.create", name: "farm", dedicated: false }]);
  const farm = await client.farmByName("farm");
  if (farm === undefined) throw new Error("the farm is missing");
  const token = { chainId: CHAIN_ID, farmId: farm.id, expiresAtMs: Date.now() + 3_600_000 };
  const joinToken = { ...token, signature: farmer.sign("tfgrid/join-token/v1", encode(chain.joinTokenBody, token)) };
  const profile = {
    total: { cpuMilli: 4_096_000, memoryBytes: 2 ** 50, ssdBytes: 2 ** 50, hddBytes: 0 },
    location: { country: "Belgium", city: "Ghent", latitudeMicro: 0, longitudeMicro: 0 },
    interfaces: [],
    meshKey: bytesToHex(new Uint8Array(32).fill(7)),
    meshEndpoints: [],
    isolation: ["container" as const],
    softwareVersion: "0.1.0",
  };
  const node = testing.testKey("node");
  await client.submit(node, [twinCall("node"), { type: "nodes.register", joinToken, ...profile }]);
  await client.submit(node, [{ type: "nodes.heartbeat", nodeId: 1 as never, uptimeSec: 1 }]);
  await Promise.all(names.map((name) => client.submit(testing.testKey(name), [twinCall(name)])));
  const resources = { cpuMilli: 10, memoryBytes: 2 ** 24, ssdBytes: 2 ** 24, hddBytes: 0 };
  const depositUnits = 10_000_000n;
  return { type: "contracts.create_node", nodeId: 1 as never, solutionId: null, instruction: cidOf(utf8("x")), resources, publicIps: 0, networks: [], depositUnits };
}

function signAll(call: Call): string[] {
  const messages: string[] = [];
  const keys = names.map((name) => testing.testKey(name));
  for (let index = 0; index < contracts; index += 1) {
    const key = keys[index % senders] as (typeof keys)[number];
    const body = { chainId: CHAIN_ID, signer: key.account, nonce: 1 + Math.floor(index / senders), expiresAtHeight: 1_000_000 as never, calls: [call] };
    const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), key.secretSeed]);
    const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    const signature = bytesToHex(sign(null, domainBytes("tfgrid/tx/v1", encode(chain.transactionBody, body)), secret));
    const tx = Buffer.from(encode(chain.signedTransaction, { body, signature })).toString("base64");
    messages.push(JSON.stringify({ jsonrpc: "2.0", id: index, method: "tx.submit", params: { tx } }));
  }
  return messages;
}

/** Answers in the order of arrival; throws when one is refused. */
async function pump(url: string, messages: readonly string[], window: number): Promise<{ seconds: number; latenciesMs: number[] }> {
  const socket = new WebSocket(url.replace("http", "ws"));
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  const sentAt = new Map<number, number>();
  const latenciesMs: number[] = [];
  const done = Promise.withResolvers<void>();
  let next = 0;
  const send = (): void => {
    if (next >= messages.length) return;
    const message = messages[next] as string;
    sentAt.set((JSON.parse(message.slice(0, message.indexOf(",\"method\"")) + "}") as { id: number }).id, performance.now());
    socket.send(message);
    next += 1;
  };
  const from = performance.now();
  socket.addEventListener("message", ({ data }: MessageEvent) => {
    const answer = JSON.parse(String(data)) as { id: number; result?: { ok: boolean }; error?: unknown };
    if (answer.result?.ok !== true) return done.reject(new Error(String(data)));
    latenciesMs.push(performance.now() - (sentAt.get(answer.id) ?? 0));
    if (latenciesMs.length === messages.length) done.resolve();
    else send();
  });
  for (let index = 0; index < window; index += 1) send();
  await done.promise;
  socket.close();
  return { seconds: (performance.now() - from) / 1_000, latenciesMs };
}

const cpuTicks = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
};
const usedUs = ({ user, system }: NodeJS.CpuUsage): number => user + system;
const rssMb = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;

async function idleCpuPercent(pid: number, seconds: number): Promise<number> {
  const before = cpuTicks(pid);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  return (cpuTicks(pid) - before) / seconds;
}

writeFiles();
const { child, url } = await start();
try {
  const client = connectChain({ url });
  const pid = child.pid as number;
  const call = await prepare(client);
  const freshMb = rssMb(pid);
  const messages = signAll(call);
  const warm = messages.slice(0, senders);
  const sequential = Math.min(60, senders);
  const atRest = await pump(url, warm.slice(0, sequential), 1);
  await pump(url, warm.slice(sequential), WINDOW);
  const before = cpuTicks(pid);
  const ownBefore = process.cpuUsage();
  const load = await pump(url, messages.slice(senders), WINDOW);
  const figures = {
    cpu: `${cpus().length} x ${cpus()[0]?.model}`,
    contracts: contracts - senders,
    txPerSecond: Math.round((contracts - senders) / load.seconds),
    serverCpuUsPerTx: Math.round(((cpuTicks(pid) - before) * 10_000) / (contracts - senders)),
    loadCpuUsPerTx: Math.round(usedUs(process.cpuUsage(ownBefore)) / (contracts - senders)),
    serverCpuPercent: Math.round((cpuTicks(pid) - before) / load.seconds),
    latencyUnderLoadMs: Math.round(median(load.latenciesMs)),
    submitToFinalAtRestMs: Math.round(median(atRest.latenciesMs) * 10) / 10,
    rssFreshMb: Math.round(freshMb),
    rssAfterMb: Math.round(rssMb(pid)),
    idleCpuPercent: Math.round((await idleCpuPercent(pid, 10)) * 10) / 10,
  };
  process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
  await client.close();
} finally {
  child.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
}
