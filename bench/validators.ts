/**
 * `npm run bench -- validators [transactions] [senders] [--report]`: four validators on this machine, first CometBFT's own Go example
 * (`kvstore`), then the ledger, with the same configuration of cometbft, and as many transactions of the same size sent the
 * same way: `broadcast_tx_async` of cometbft's RPC over one WebSocket to each validator, a bounded number open at once (`_sync` would
 * measure cometbft's timer: one connection waits for each verdict, and a request to an application of another process is sent
 * every 20 ms). Counted is from the first submission to the block with the last of them: none may be lost. Before that each chain
 * takes a number of transactions that are not counted: V8 compiles the ledger while they come, a quarter of a second for each validator.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { sha256, utf8 } from "@tfgrid/primitives";
import { PACES, connectChain, ensureCometBft, testing } from "@tfgrid/tfchain";
import { COMETBFT_VERSION } from "../packages/tfchain/src/engines/cometbft/binary.ts";
import { type CometServer, SERVER_FLAGS, peerOf, writeCometServer } from "../packages/tfchain/src/new-chain.ts";
import { farmer, prepareLedger, sendersOf, signAll } from "./contracts.ts";
import { benchGenesis } from "./ledger.ts";
import { processesMatching } from "./processes.ts";
import { report } from "./section.ts";

const [transactions = 6_000, senderCount = 200] = process.argv.slice(2).filter((text) => /^\d+$/.test(text)).map(Number);
const VALIDATORS = 4;
/** Transactions before those that are counted. */
const WARM_UP = 3_000;
/** Open submissions of one connection. */
const WINDOW = 200;
/** Metas that cometbft answers at once. */
const METAS = 20;
const POLL_MS = 100;
const START_MS = 60_000;
/** ms without a transaction in any block before those that are missing count as lost. */
const LOST_MS = 60_000;
const folder = mkdtempSync("/var/tmp/tfgrid-bench-validators-");
const senders = sendersOf(senderCount);
const keys = Array.from({ length: VALIDATORS }, (_, index) => testing.testKey(`validator ${index}`));
const genesis = benchGenesis([farmer, ...senders], { validators: keys.map(({ account }) => ({ publicKey: account, power: 10 })) });
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

interface Server extends CometServer {
  readonly cometRpcPort: number;
}

async function writeServers(kind: string): Promise<{ readonly servers: readonly Server[]; readonly files: readonly string[] }> {
  const servers: Server[] = [];
  for (const [index, key] of keys.entries()) {
    const ports = { rpcPort: await freePort(), p2pPort: await freePort(), cometRpcPort: await freePort() };
    servers.push({ folder: join(folder, kind, String(index)), host: "127.0.0.1", ...ports, validatorSeed: key.secretSeed, nodeSeed: sha256(utf8(`node ${index}`)) });
  }
  const peers = servers.map(peerOf);
  const timeMs = Date.now();
  return { servers, files: servers.map((server) => writeCometServer({ server, genesis, timeMs, peers, pace: PACES.local })) };
}

/** What it says on standard output is not for us. */
function run(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
}

async function stopAll(children: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("exit", resolve));
    }),
  );
}

async function comet<T>(port: number, path: string): Promise<T> {
  const answer = (await (await fetch(`http://127.0.0.1:${port}/${path}`, { signal: AbortSignal.timeout(10_000) })).json()) as { result?: T; error?: unknown };
  if (answer.result === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.result;
}

const heightOf = async (port: number): Promise<number> =>
  Number((await comet<{ sync_info: { latest_block_height: string } }>(port, "status")).sync_info.latest_block_height);

/** All make blocks. */
async function ready(servers: readonly Server[]): Promise<void> {
  const deadline = performance.now() + START_MS;
  for (const { cometRpcPort } of servers) {
    while (!((await heightOf(cometRpcPort).catch(() => 0)) >= 2)) {
      if (performance.now() > deadline) throw new Error("the validators make no blocks");
      await sleep(POLL_MS);
    }
  }
}

/** Transactions of a height range, by what cometbft tells of its blocks. */
async function countTxs(port: number, from: number, to: number): Promise<number> {
  let total = 0;
  for (let low = from; low <= to; low += METAS) {
    const { block_metas: metas } = await comet<{ block_metas: readonly { num_txs: string }[] }>(port, `blockchain?minHeight=${low}&maxHeight=${Math.min(to, low + METAS - 1)}`);
    total += metas.reduce((sum, { num_txs: count }) => sum + Number(count), 0);
  }
  return total;
}

/** Answers when cometbft has all of them. */
async function send(port: number, txs: readonly string[]): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/websocket`);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  const done = Promise.withResolvers<void>();
  let next = 0;
  let answered = 0;
  const submit = (): void => {
    if (next >= txs.length) return;
    socket.send(JSON.stringify({ jsonrpc: "2.0", id: next, method: "broadcast_tx_async", params: { tx: txs[next] } }));
    next += 1;
  };
  socket.addEventListener("close", () => done.reject(new Error("cometbft closed the connection")));
  socket.addEventListener("message", ({ data }: MessageEvent) => {
    const { result, error } = JSON.parse(String(data)) as { result?: { code: number }; error?: unknown };
    if (error !== undefined || result?.code !== 0) return done.reject(new Error(String(data)));
    answered += 1;
    if (answered === txs.length) done.resolve();
    else submit();
  });
  for (let index = 0; index < WINDOW; index += 1) submit();
  await done.promise;
  socket.close();
}

interface Load {
  readonly perSecond: number;
  /** Processor time of all programs of one validator for one transaction, us. */
  readonly cpuUs: number;
}

const cpuMs = (): number => processesMatching(folder).reduce((sum, process) => sum + process.cpuMs, 0);

async function load(servers: readonly Server[], all: readonly Uint8Array[]): Promise<Load> {
  await secondsFor(servers, all.slice(0, WARM_UP));
  const txs = all.slice(WARM_UP);
  const beforeMs = cpuMs();
  const seconds = await secondsFor(servers, txs);
  return { perSecond: txs.length / seconds, cpuUs: ((cpuMs() - beforeMs) * 1_000) / (VALIDATORS * txs.length) };
}

/** Seconds until all are in blocks. Each sender stays with one validator, so that its numbers arrive in order. */
async function secondsFor(servers: readonly Server[], txs: readonly Uint8Array[]): Promise<number> {
  const first = servers[0] as Server;
  const start = await heightOf(first.cometRpcPort);
  const parts = servers.map((_, index) => txs.filter((_tx, at) => (at % senderCount) % VALIDATORS === index).map((tx) => Buffer.from(tx).toString("base64")));
  const from = performance.now();
  const sent = Promise.all(servers.map(({ cometRpcPort }, index) => send(cometRpcPort, parts[index] as string[])));
  await sent;
  say(`  all handed over after ${((performance.now() - from) / 1_000).toFixed(1)} s`);
  let height = start;
  let lastMs = performance.now();
  for (let counted = 0; ; await sleep(POLL_MS)) {
    const now = await heightOf(first.cometRpcPort);
    const more = await countTxs(first.cometRpcPort, height + 1, now);
    height = now;
    counted += more;
    if (more > 0) lastMs = performance.now();
    if (counted >= txs.length) return (lastMs - from) / 1_000;
    if (performance.now() - lastMs > LOST_MS) throw new Error(`${txs.length - counted} of ${txs.length} transactions are in no block`);
  }
}

/** In the form that the example takes: `key=value`. */
const kvTx = (index: number, sizeBytes: number): Uint8Array => {
  const key = `key${index}=`;
  return utf8(key + "v".repeat(sizeBytes - key.length));
};

async function kvstore(binary: string, sizeBytes: number): Promise<Load> {
  const { servers } = await writeServers("kvstore");
  const children = servers.map(({ folder: home, cometRpcPort }) =>
    run(binary, ["start", "--home", join(home, "cometbft"), "--proxy_app", "kvstore", "--rpc.laddr", `tcp://127.0.0.1:${cometRpcPort}`]),
  );
  try {
    await ready(servers);
    return await load(servers, Array.from({ length: WARM_UP + transactions }, (_, index) => kvTx(index, sizeBytes)));
  } finally {
    await stopAll(children);
  }
}

async function ledger(makeTxs: (call: Parameters<typeof signAll>[0]) => readonly Uint8Array[]): Promise<Load> {
  const { servers, files } = await writeServers("ledger");
  const main = new URL("../packages/tfchain/src/main.ts", import.meta.url).pathname;
  const children = files.map((file) => run(process.execPath, [...SERVER_FLAGS, main, "--config", file]));
  try {
    await ready(servers);
    const client = connectChain({ url: `http://127.0.0.1:${servers[0]?.rpcPort}` });
    const call = await prepareLedger(client, senders);
    await client.close();
    return await load(servers, makeTxs(call));
  } finally {
    await stopAll(children);
  }
}

const binary = await ensureCometBft();
try {
  let txs: readonly Uint8Array[] = [];
  say("the ledger:");
  const ours = await ledger((call) => (txs = signAll(call, senders, WARM_UP + transactions)));
  say("kvstore:");
  const theirs = await kvstore(binary, txs[0]?.length ?? 0);
  const figures = {
    cometbft: COMETBFT_VERSION,
    validators: VALIDATORS,
    transactions,
    "bytes of each": txs[0]?.length,
    "kvstore, transactions a second": Math.round(theirs.perSecond),
    "kvstore, processor time of one validator for each, us": Math.round(theirs.cpuUs),
    "the ledger, transactions a second": Math.round(ours.perSecond),
    "the ledger, processor time of one validator for each, us": Math.round(ours.cpuUs),
    "the ledger, % of kvstore": Math.round((100 * ours.perSecond) / theirs.perSecond),
  };
  report({ name: "validators", figures });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
