/**
 * `npm run bench -- chain [contracts] [senders] [--report]`: signed, contract-creating transactions per second through the RPC of a solo chain
 * in a process of its own (one WebSocket, a bounded number open at once), the time of one submission at rest, and what an
 * idle chain costs. Signing is done beforehand. `CHAIN_CPU_PROFILE=FOLDER`: writes a CPU profile of the chain there.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesToHex } from "@tfgrid/primitives";
import { type Call, connectChain, runtime, testing } from "@tfgrid/tfchain";
import { SERVER_FLAGS } from "../packages/tfchain/src/new-chain.ts";
import { farmer, prepareLedger, sendersOf, signAll } from "./contracts.ts";
import { benchGenesis } from "./ledger.ts";
import { report } from "./section.ts";
import { median } from "./statistics.ts";

const [contracts = 20_000, senderCount = 200] = process.argv.slice(2).filter((text) => /^\d+$/.test(text)).map(Number);
/** Open submissions: enough to fill blocks, below the server's bound for one connection. */
const WINDOW = 1_500;
/** Transactions before the run that is counted: one after another, to warm up, and steadily. */
const AT_REST = 40;
const WARM_UP = 3_000;
const STEADY_PER_SECOND = 500;
const STEADY_SECONDS = 4;
/** USER_HZ is 100 on every Linux that Node runs on. */
const US_PER_TICK = 10_000;
const folder = mkdtempSync(join(tmpdir(), "tfgrid-bench-"));
const senders = sendersOf(senderCount);

function writeFiles(): void {
  writeFileSync(join(folder, "genesis.json"), JSON.stringify(runtime.genesisToJson(benchGenesis([farmer, ...senders]))));
  writeFileSync(join(folder, "seed"), bytesToHex(testing.testKey("authority").secretSeed));
  writeFileSync(join(folder, "config.json"), JSON.stringify({ dataDir: "data", genesisFile: "genesis.json", authoritySeedFile: "seed" }));
}

async function start(): Promise<{ child: ChildProcess; url: string }> {
  const main = new URL("../packages/tfchain/src/main.ts", import.meta.url).pathname;
  const { CHAIN_CPU_PROFILE: profile } = process.env;
  const flags = [...SERVER_FLAGS, ...(profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profile])];
  const child = spawn(process.execPath, [...flags, main, "--config", join(folder, "config.json")], { stdio: ["ignore", "pipe", "inherit"] });
  child.once("exit", (code) => {
    if (code !== 0 && !child.killed) throw new Error(`the chain has ended with code ${code}`);
  });
  const line = await new Promise<string>((resolve) => child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString())));
  return { child, url: (JSON.parse(line) as { endpoints: { rpc: string } }).endpoints.rpc };
}

const messagesOf = (call: Call): string[] =>
  signAll(call, senders, contracts).map((tx, id) => JSON.stringify({ jsonrpc: "2.0", id, method: "tx.submit", params: { tx: Buffer.from(tx).toString("base64") } }));

/** What is sent next: another one for each answer, or so many a second whatever the answers do. */
type Feed = { readonly window: number } | { readonly perSecond: number };
/** ms between two looks at the clock of a steady feed. */
const STEADY_MS = 5;

/** Answers are in the order of the transactions; throws when one is refused. */
async function pump(url: string, messages: readonly string[], feed: Feed): Promise<{ seconds: number; latenciesMs: number[] }> {
  const socket = new WebSocket(url.replace("http", "ws"));
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  const sentAt = new Map<number, number>();
  const latenciesMs: number[] = [];
  const done = Promise.withResolvers<void>();
  let next = 0;
  const send = (): void => {
    if (next >= messages.length) return;
    const message = messages[next] as string;
    sentAt.set(idOf(message), performance.now());
    socket.send(message);
    next += 1;
  };
  const from = performance.now();
  socket.addEventListener("close", () => done.reject(new Error("the chain closed the connection")));
  socket.addEventListener("message", ({ data }: MessageEvent) => {
    const answer = JSON.parse(String(data)) as { id: number; result?: { ok: boolean }; error?: unknown };
    if (answer.result?.ok !== true) return done.reject(new Error(String(data)));
    latenciesMs.push(performance.now() - (sentAt.get(answer.id) ?? 0));
    if (latenciesMs.length === messages.length) done.resolve();
    else if ("window" in feed) send();
  });
  const timer = "window" in feed ? undefined : setInterval(() => {
    while (next < messages.length && next < ((performance.now() - from) * feed.perSecond) / 1_000) send();
  }, STEADY_MS);
  if ("window" in feed) for (let index = 0; index < feed.window; index += 1) send();
  await done.promise;
  clearInterval(timer);
  socket.close();
  return { seconds: (performance.now() - from) / 1_000, latenciesMs };
}

const idOf = (message: string): number => Number(/"id":(\d+)/.exec(message)?.[1]);

const cpuTicks = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
};
const tenths = (value: number): number => Math.round(value * 10) / 10;
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
  const call = await prepareLedger(client, senders);
  const freshMb = rssMb(pid);
  const messages = messagesOf(call);
  let used = 0;
  const take = (count: number): string[] => messages.slice(used, (used += count));
  const atRest = await pump(url, take(AT_REST), { window: 1 });
  await pump(url, take(WARM_UP), { window: WINDOW });
  const steady = await pump(url, take(STEADY_PER_SECOND * STEADY_SECONDS), { perSecond: STEADY_PER_SECOND });
  const full = messages.slice(used);
  const before = cpuTicks(pid);
  const ownBefore = process.cpuUsage();
  const load = await pump(url, full, { window: WINDOW });
  const ownUs = usedUs(process.cpuUsage(ownBefore));
  const serverUs = (cpuTicks(pid) - before) * US_PER_TICK;
  const figures = {
    "contracts created in the run at full load": full.length,
    "transactions a second": Math.round(full.length / load.seconds),
    "processor time of the chain for each, us (all threads)": Math.round(serverUs / full.length),
    "processor time of the load for each, us": Math.round(ownUs / full.length),
    "processors used by the chain, %": Math.round(serverUs / load.seconds / 10_000),
    [`submission to final with ${WINDOW} open, p50 ms`]: Math.round(median(load.latenciesMs)),
    [`submission to final at ${STEADY_PER_SECOND} a second, p50 ms`]: tenths(median(steady.latenciesMs)),
    "submission to final one at a time, p50 ms": tenths(median(atRest.latenciesMs)),
    "memory fresh, MB": Math.round(freshMb),
    "memory after, MB": Math.round(rssMb(pid)),
    "idle, % of one processor": tenths(await idleCpuPercent(pid, 10)),
  };
  report({ name: "chain", figures });
  await client.close();
} finally {
  child.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
}
