/**
 * `npm run bench -- state [contracts] [nodes] [--report]`: what the size of the ledger costs. One solo chain on LMDB, in this process, grows
 * to 1,000,000 contracts on 10,000 nodes; on the way the same block of 100 new contracts is timed at each size. Then the
 * chain is started anew as a program, a snapshot is taken while it stands ready, restored into an empty folder, and the bills
 * of an hour are carried out.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytesToHex, cidOf, silentLogger, utf8 } from "@tfgrid/primitives";
import {
  type Call,
  type RunningChain,
  beginRestore,
  lmdbStorage,
  openSnapshots,
  openState,
  runtime,
  snapshotFiles,
  startChain,
  testing,
} from "@tfgrid/tfchain";
import { type Sender, CHAIN_ID, SMALL, benchGenesis, createFarm, createTwin, heartbeat, registerNode, sender, signTx } from "./ledger.ts";
import { report } from "./section.ts";
import { median } from "./statistics.ts";

const numbers = process.argv.slice(2).filter((text) => /^\d+$/.test(text)).map(Number);
const [contracts = 1_000_000, nodes = 10_000] = numbers;
const OWNERS = 50;
const PER_TX = 200;
const PROBE_CONTRACTS = 100;
const PROBES = 15;

const folder = mkdtempSync("/var/tmp/tfgrid-bench-state-");
const dataDir = join(folder, "data");
const authority = testing.testKey("authority");
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const figures: [string, string][] = [];
const note = (name: string, value: string): void => {
  figures.push([name, value]);
  say(`${name}: ${value}`);
};

async function submit(chain: RunningChain, by: Sender, calls: readonly Call[]): Promise<void> {
  const { ok, error } = await chain.engine.submit(signTx(by, calls));
  if (!ok) throw new Error(JSON.stringify(error));
}

const farmer = sender("farmer");
const machines = Array.from({ length: nodes }, (_, index) => sender(`node ${index}`));
const owners = Array.from({ length: OWNERS }, (_, index) => sender(`owner ${index}`));

const genesis = benchGenesis([farmer, ...machines, ...owners], {
  // However long it takes to grow: nobody goes down for want of a heartbeat.
  params: { maxCallsPerTx: 256, heartbeatIntervalMs: 24 * 3_600_000 },
});

async function joinNodes(chain: RunningChain): Promise<void> {
  await submit(chain, farmer, [createTwin(farmer), createFarm]);
  const register = registerNode(farmer, Date.now());
  await all(machines, async (machine) => submit(chain, machine, [createTwin(machine), register]));
  const idOf = new Map(machines.map((machine) => [machine, runtime.queries(chain.engine.state).twinByAccount(machine.key.account)]));
  await all(machines, async (machine) => {
    const twin = idOf.get(machine);
    const node = twin === undefined ? undefined : runtime.queries(chain.engine.state).nodeByTwin(twin.id);
    if (node === undefined) throw new Error("a node did not join");
    await submit(chain, machine, [heartbeat(node.id)]);
  });
  await all(owners, async (owner) => submit(chain, owner, [createTwin(owner)]));
}

/** A bounded number at once. */
async function all<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await run(item);
  };
  await Promise.all(Array.from({ length: 500 }, worker));
}

let created = 0;
const instruction = cidOf(utf8("x"));
function contractCalls(count: number): Call[] {
  return Array.from({ length: count }, () => {
    created += 1;
    const common = { solutionId: null, instruction, resources: SMALL, publicIps: 0, networks: [], depositUnits: 5_000_000n };
    return { type: "contracts.create_node" as const, nodeId: (1 + (created % nodes)) as never, ...common };
  });
}

/** Grows to `target`; each owner has one transaction open. */
async function grow(chain: RunningChain, target: number): Promise<void> {
  const worker = async (owner: Sender): Promise<void> => {
    while (created < target) await submit(chain, owner, contractCalls(Math.min(PER_TX, target - created)));
  };
  await Promise.all(owners.map(worker));
}

async function probe(chain: RunningChain): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < PROBES; index += 1) {
    const tx = signTx(owners[0] as Sender, contractCalls(PROBE_CONTRACTS));
    const from = performance.now();
    const { ok } = await chain.engine.submit(tx);
    if (!ok) throw new Error("a probe was refused");
    times.push(performance.now() - from);
  }
  return median(times);
}

async function growAndProbe(): Promise<void> {
  const chain = await startChain({ dataDir, genesis, authority, blockIntervalMs: 1 });
  try {
    await joinNodes(chain);
    say(`${nodes} nodes joined`);
    for (const size of [1_000, 10_000, 100_000, 1_000_000].filter((size) => size < contracts).concat(contracts)) {
      const from = performance.now();
      const before = created;
      await grow(chain, size);
      const perSecond = Math.round((created - before) / ((performance.now() - from) / 1_000));
      note(`block of ${PROBE_CONTRACTS} new contracts at ${size.toLocaleString("en")} contracts`, `${(await probe(chain)).toFixed(1)} ms (grown at ${perSecond} contracts/s)`);
    }
  } finally {
    await chain.stop();
  }
}

const statusBytes = (pid: number, field: string): number => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024;
const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/**
 * As a program, on what was grown: time until it serves, and its memory then and after reading all over the state. Of a file that
 * the kernel holds already it maps the neighbours of each page that is read, too; so that is told apart from a file that it has let go of.
 */
async function startAnew(file: "held by the kernel" | "let go by the kernel"): Promise<void> {
  if (file === "let go by the kernel") execFileSync("dd", [`if=${join(dataDir, "chain.mdb")}`, "iflag=nocache", "count=0", "status=none"]);
  writeFileSync(join(folder, "genesis.json"), JSON.stringify(runtime.genesisToJson(genesis)));
  writeFileSync(join(folder, "seed"), bytesToHex(authority.secretSeed));
  writeFileSync(join(folder, "config.json"), JSON.stringify({ dataDir: "data", genesisFile: "genesis.json", authoritySeedFile: "seed" }));
  const main = new URL("../packages/tfchain/src/main.ts", import.meta.url).pathname;
  const from = performance.now();
  const child: ChildProcess = spawn(process.execPath, [main, "--config", join(folder, "config.json")], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const stdout = child.stdout as NodeJS.ReadableStream;
    const line = await new Promise<string>((resolve) => stdout.once("data", (chunk: Buffer) => resolve(chunk.toString())));
    note(`start of the program until it serves (file ${file})`, `${((performance.now() - from) / 1_000).toFixed(2)} s`);
    const url = (JSON.parse(line) as { endpoints: { rpc: string } }).endpoints.rpc;
    const pid = child.pid as number;
    const anonymous = mb(statusBytes(pid, "RssAnon"));
    for (let batch = 0; batch < 100; batch += 1) {
      const calls = Array.from({ length: 50 }, (_, index) => {
        const id = 1 + Math.floor((contracts * (batch * 50 + index)) / 5_000);
        return { jsonrpc: "2.0", id: index, method: "state.get", params: { key: runtime.stateKeys.contract(id) } };
      });
      const answers = (await (await fetch(url, { method: "POST", body: JSON.stringify(calls) })).json()) as { result?: { value: string | null } }[];
      if (answers.some(({ result }) => typeof result?.value !== "string")) throw new Error("a contract is missing");
    }
    note(`memory at start, without the mapped file (file ${file})`, anonymous);
    note(`memory after 5,000 proven reads all over the state, without the mapped file (file ${file})`, mb(statusBytes(pid, "RssAnon")));
    note(`resident memory then, the mapped file's pages counted (file ${file})`, mb(statusBytes(pid, "VmRSS")));
  } finally {
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("exit", resolve));
  }
}

const folderBytes = (path: string): number =>
  readdirSync(path, { withFileTypes: true }).reduce((total, entry) => total + (entry.isDirectory() ? folderBytes(join(path, entry.name)) : statSync(join(path, entry.name)).size), 0);

/** Longest time that nothing else could run, while `work` does. */
async function longestPauseMs(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  await work();
  clearInterval(timer);
  return longest;
}

async function snapshotAndRestore(): Promise<void> {
  const storage = lmdbStorage(dataDir);
  const state = openState(storage);
  const files = snapshotFiles(join(folder, "snapshots"));
  const snapshots = openSnapshots({ files, storage, state, chainId: CHAIN_ID, logger: silentLogger });
  const from = performance.now();
  const pauseMs = await longestPauseMs(async () => snapshots.take());
  const info = snapshots.list()[0];
  if (info === undefined) throw new Error("no snapshot was taken");
  const { height, format, chunkHashes, rows, appHash } = info.manifest;
  note("snapshot", `${((performance.now() - from) / 1_000).toFixed(1)} s, ${rows.toLocaleString("en")} rows, ${mb(folderBytes(join(folder, "snapshots")))}, longest pause ${pauseMs.toFixed(1)} ms`);
  const target = lmdbStorage(join(folder, "restored"));
  const began = performance.now();
  const offered = { height, format, chunks: chunkHashes.length, hash: info.hash, metadata: info.metadata };
  const restore = beginRestore({ storage: target, offered, trusted: { chainId: CHAIN_ID, height, appHash } });
  for (let index = 0; index < chunkHashes.length; index += 1) restore.apply(index, snapshots.chunk({ height, format, index }) as Uint8Array);
  const finishPauseMs = await longestPauseMs(() => restore.finish());
  note("restore of it, verified", `${((performance.now() - began) / 1_000).toFixed(1)} s, longest pause of the part after the last chunk ${finishPauseMs.toFixed(1)} ms`);
  await target.close();
  await storage.close();
}

/** The bills of all contracts, an hour on, as blocks carry them out; with the writes. */
async function billAnHour(): Promise<void> {
  const storage = lmdbStorage(dataDir);
  const state = openState(storage);
  const machine = runtime.createRuntime();
  const timeMs = Date.now() + 3_600_000;
  const times: number[] = [];
  let events = 0;
  for (let block = 0; block < 12; block += 1) {
    const from = performance.now();
    const draft = state.draft();
    events += machine.beginBlock(draft, { chainId: CHAIN_ID, height: state.version + 1, timeMs: timeMs + block }).length;
    const sealed = draft.seal();
    storage.write(sealed.ops);
    sealed.adopt();
    times.push(performance.now() - from);
  }
  note("a block of time-based work only, an hour on", `${median(times).toFixed(0)} ms, ${Math.round(events / times.length)} events`);
  await storage.close();
}

try {
  await growAndProbe();
  note("data folder", mb(folderBytes(dataDir)));
  await startAnew("held by the kernel");
  await startAnew("let go by the kernel");
  await snapshotAndRestore();
  await billAnHour();
  report({ name: "state", figures: Object.fromEntries(figures) });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
