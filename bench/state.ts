/**
 * `npm run bench -- state [contracts] [nodes] [--folder PATH] [--report]`: what the size of the ledger costs. One solo chain on LMDB, in this
 * process, grows to 1,000,000 contracts on 10,000 nodes; on the way the same block of 100 new contracts is timed at each size. Then
 * the chain is started anew as a program, a snapshot is taken while it stands ready, restored into an empty folder, and the bills
 * of an hour are carried out. `--folder`: see `grown.ts`; what is told of the growth is then of when it was grown.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytesToHex, silentLogger } from "@tfgrid/primitives";
import { beginRestore, lmdbStorage, openSnapshots, openState, runtime, snapshotFiles } from "@tfgrid/tfchain";
import { type GrownLedger, numbers, say, workOnGrown } from "./grown.ts";
import { CHAIN_ID } from "./ledger.ts";
import { statusBytes } from "./processes.ts";
import { report } from "./section.ts";
import { median } from "./statistics.ts";

const [contracts = 1_000_000, nodes = 10_000] = numbers();
const PROBE_CONTRACTS = 100;
const PROBES = 15;
const BILL_BLOCKS = 12;
const SIZES = [1_000, 10_000, 100_000, 1_000_000] as const;

const figures: [string, string][] = [];
const note = (name: string, value: string): void => {
  figures.push([name, value]);
  say(`${name}: ${value}`);
};

/** A block of new contracts, alone, from the submission to the answer after the flush. */
async function probe(ledger: GrownLedger, size: number, perSecond: number): Promise<readonly [string, string]> {
  const times: number[] = [];
  const cpus: number[] = [];
  for (let index = 0; index < PROBES; index += 1) {
    const [from, cpu] = [performance.now(), process.cpuUsage()];
    await ledger.addContracts(PROBE_CONTRACTS);
    times.push(performance.now() - from);
    const { user, system } = process.cpuUsage(cpu);
    cpus.push((user + system) / 1_000);
  }
  const name = `block of ${PROBE_CONTRACTS} new contracts at ${size.toLocaleString("en")} contracts`;
  return [name, `${median(times).toFixed(1)} ms, ${median(cpus).toFixed(1)} of them processor time (grown at ${perSecond} contracts/s)`];
}

const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/**
 * As a program, on what was grown: time until it serves, and its memory then and after reading all over the state. Of a file that
 * the kernel holds already it maps the neighbours of each page that is read, too; so that is told apart from a file that it has let go of.
 */
async function startAnew(file: "held by the kernel" | "let go by the kernel"): Promise<void> {
  const { genesis, authority, dataDir } = ledger;
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

const threadMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};

/**
 * Longest time that nothing else could run in this process, while `work` does: of the clock, waits for disk and processor
 * counted, and of the processor.
 */
async function longestPause(work: () => Promise<unknown>): Promise<string> {
  const longest = { clockMs: 0, cpuMs: 0 };
  let [clockMs, cpuMs] = [performance.now(), threadMs()];
  let running = true;
  const turn = (): void => {
    const [nowMs, nowCpuMs] = [performance.now(), threadMs()];
    longest.clockMs = Math.max(longest.clockMs, nowMs - clockMs);
    longest.cpuMs = Math.max(longest.cpuMs, nowCpuMs - cpuMs);
    [clockMs, cpuMs] = [nowMs, nowCpuMs];
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  running = false;
  turn();
  return `longest pause ${longest.clockMs.toFixed(1)} ms, of processor time ${longest.cpuMs.toFixed(1)} ms`;
}

async function snapshotAndRestore(): Promise<void> {
  const storage = lmdbStorage(ledger.dataDir);
  const state = openState(storage);
  const files = snapshotFiles(join(folder, "snapshots"));
  const snapshots = openSnapshots({ files, storage, state, chainId: CHAIN_ID, logger: silentLogger });
  const from = performance.now();
  const pause = await longestPause(async () => snapshots.take());
  const info = snapshots.list()[0];
  if (info === undefined) throw new Error("no snapshot was taken");
  const { height, format, chunkHashes, rows, appHash } = info.manifest;
  note("snapshot", `${((performance.now() - from) / 1_000).toFixed(1)} s, ${rows.toLocaleString("en")} rows, ${mb(folderBytes(join(folder, "snapshots")))}; ${pause}`);
  const target = lmdbStorage(join(folder, "restored"));
  const began = performance.now();
  const offered = { height, format, chunks: chunkHashes.length, hash: info.hash, metadata: info.metadata };
  const restore = beginRestore({ storage: target, offered, trusted: { chainId: CHAIN_ID, height, appHash } });
  const applyPause = await longestPause(async () => {
    for (let index = 0; index < chunkHashes.length; index += 1) await restore.apply(index, snapshots.chunk({ height, format, index }) as Uint8Array);
  });
  const finishPause = await longestPause(() => restore.finish());
  note("restore of it, verified", `${((performance.now() - began) / 1_000).toFixed(1)} s; its chunks: ${applyPause}; its tree: ${finishPause}`);
  await target.close();
  await storage.close();
}

/** The bills of all contracts, an hour on, as the engines' blocks carry them out; with the writes. */
async function billAnHour(): Promise<void> {
  const storage = lmdbStorage(ledger.dataDir);
  const state = openState(storage);
  const machine = runtime.createRuntime();
  const timeMs = ledger.clock.nowMs() + 3_600_000;
  const times: number[] = [];
  const cpus: number[] = [];
  let events = 0;
  for (let block = 0; block < BILL_BLOCKS; block += 1) {
    const [from, cpu] = [performance.now(), process.cpuUsage()];
    const draft = state.draft();
    events += machine.beginBlock(runtime.rowsOver(draft), { chainId: CHAIN_ID, height: state.version + 1, timeMs: timeMs + block }).length;
    const sealed = draft.seal();
    storage.write(sealed.ops);
    sealed.adopt();
    times.push(performance.now() - from);
    const { user, system } = process.cpuUsage(cpu);
    cpus.push((user + system) / 1_000);
  }
  const [slowest, cpuMost] = [Math.max(...times), Math.max(...cpus)].map((ms) => ms.toFixed(0));
  note(
    "a block of time-based work only, an hour on",
    `${median(times).toFixed(0)} ms, ${median(cpus).toFixed(0)} of them processor time (the slowest of ${BILL_BLOCKS}: ${slowest} and ${cpuMost}), ${Math.round(events / times.length)} events`,
  );
  await storage.close();
}

const { folder, ledger, figures: growth } = await workOnGrown({ contracts, nodes, sizes: SIZES, atSize: probe });
try {
  for (const [name, value] of growth) note(name, value);
  note("data folder", mb(folderBytes(ledger.dataDir)));
  await startAnew("held by the kernel");
  await startAnew("let go by the kernel");
  await snapshotAndRestore();
  await billAnHour();
  report({ name: "state", figures: Object.fromEntries(figures) });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
