/**
 * `npm run bench`: what a person feels (start, deploy, node loss) and what a machine pays (memory, processor), each as the
 * median of several runs on real grids, written to docs/performance.md with machine, date and command. Not a timed test: a
 * slow machine gets slow figures and no failure.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Json, type TestGrid, gridOn, newStateDir, until } from "../e2e/support/grid.ts";
import { processesMatching } from "./processes.ts";
import { type Figure, type Targets, writeReport } from "./report.ts";
import { median } from "./statistics.ts";

const RUNS = Number(process.argv[2] ?? 5);
const IDLE_SETTLE_MS = 60_000;
const IDLE_WATCH_MS = 60_000;
/** 3Nodes of the local grid that take zmachines first. */
const NODES = 3;
const TARGETS: Targets = { warmStartMs: 20_000, deployMs: 3_000, nodeLossMs: 15_000, nodeAgentBytes: 120e6, gridBytes: 1.5e9, idleCorePercent: 5 };

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const folder = mkdtempSync("/var/tmp/tfgrid-bench-");

/** The guestbook's page, which answers /healthz without its store: a single replica unless told otherwise. */
function benchSolution(name: string, replicas = 1): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    `name: ${name}
x-grid: { budget: 2 TFT/h, deposit: 10 TFT }
services:
  web:
    image: registry.grid.localhost/guestbook-web:1
    healthcheck: { x-http: 8080/healthz, interval: 1s, start_interval: 100ms, start_period: 10s }
    x-grid: { placement: { spread: node } }
    deploy: { replicas: ${replicas}, resources: { limits: { cpus: "0.25", memory: 128m } } }
    x-ingress: { name: ${name}, port: 8080 }
`,
  );
  return file;
}

const hostOf = (name: string): string => `${name}.grid.localhost`;

async function firstAnswer(grid: TestGrid, name: string): Promise<void> {
  await until(`first answer of ${name}`, async () => (await grid.fetch(hostOf(name), "/healthz", { timeoutMs: 1000 })).status === 200, 120_000);
}

async function measureWarmStart(grid: TestGrid): Promise<number> {
  await grid.json("down");
  const startedMs = Date.now();
  // `up --detach` returns when all replicas of the guestbook answer.
  await grid.json("up", "--detach");
  return Date.now() - startedMs;
}

/** So that no deploy that is measured waits for an image. */
async function fillImageCaches(grid: TestGrid): Promise<void> {
  await grid.json("solution", "deploy", benchSolution("everywhere", NODES), "--timeout", "180");
  await grid.json("solution", "cancel", "everywhere");
}

/** From the moment that the command is started, as a person would count. The image is cached on every node. */
async function measureDeploy(grid: TestGrid, run: number): Promise<number> {
  const name = `bench-${run}`;
  const file = benchSolution(name);
  const startedMs = Date.now();
  const deployed = grid.json("solution", "deploy", file, "--no-wait");
  const [answeredMs] = await Promise.all([firstAnswer(grid, name).then(() => Date.now() - startedMs), deployed]);
  await grid.json("solution", "cancel", name);
  return answeredMs;
}

/** The node of a service's only replica dies: cable cut, agent and zmachines killed. */
async function measureNodeLoss(grid: TestGrid, run: number): Promise<number> {
  const name = `lost-${run}`;
  await grid.json("solution", "deploy", benchSolution(name), "--timeout", "120");
  await firstAnswer(grid, name);
  const status = await grid.status();
  const solution = status.solutions.find((entry: Json) => entry.name === name);
  const part = status.contracts.find((entry: Json) => entry.type === "node" && entry.solutionId === solution.id && (entry.report?.zmachines ?? []).length > 0);
  const node = status.nodes.find((entry: Json) => entry.id === part.nodeId);
  const short = `n${Number(node.meshEndpoints[0].address.split(".")[3]) - 10}`;
  const machine = `${grid.prefix}-${short}`;
  const diedMs = Date.now();
  execFileSync("ip", ["link", "set", machine, "down"]);
  for (const victim of processesMatching(`/tfgrid/${machine}/`, `configs/node-${short}.json`)) process.kill(victim.pid, "SIGKILL");
  await firstAnswer(grid, name);
  const tookMs = Date.now() - diedMs;
  execFileSync("ip", ["link", "set", machine, "up"]);
  await until("the node is back", async () => (await grid.status()).nodes.every((entry: Json) => entry.up), 60_000);
  await grid.json("solution", "cancel", name);
  return tookMs;
}

interface Idle {
  readonly nodeAgentRssBytes: number;
  readonly nodeAgentPssBytes: number;
  readonly gridPssBytes: number;
  readonly corePercent: number;
  /** The yardstick: what an empty program costs here and now. */
  readonly emptyProgramPercent: number;
}

/** Waking a processor that sleeps costs what it costs on this machine at this time of day: told beside the grid's own figure. */
const EMPTY_PROGRAM = { source: "setInterval(() => undefined, 50)", title: "the same minute, a Node program that does nothing 20 times a second, of one core" } as const;

async function measureIdle(grid: TestGrid): Promise<Idle> {
  const ours = (): ReturnType<typeof processesMatching> => processesMatching(grid.stateDir, grid.prefix);
  const empty = spawn(process.execPath, ["-e", EMPTY_PROGRAM.source], { stdio: "ignore" });
  const emptyMs = (): number => processesMatching(EMPTY_PROGRAM.source).find(({ pid }) => pid === empty.pid)?.cpuMs ?? Number.NaN;
  await sleep(IDLE_SETTLE_MS);
  const before = new Map(ours().map((entry) => [entry.pid, entry.cpuMs]));
  const emptyBeforeMs = emptyMs();
  await sleep(IDLE_WATCH_MS);
  const after = ours();
  const emptyProgramPercent = (100 * (emptyMs() - emptyBeforeMs)) / IDLE_WATCH_MS;
  empty.kill();
  const agents = after.filter((entry) => entry.command.includes("zero-os/src/main.ts"));
  const usedMs = after.reduce((sum, entry) => sum + entry.cpuMs - (before.get(entry.pid) ?? entry.cpuMs), 0);
  return {
    nodeAgentRssBytes: median(agents.map((entry) => entry.rssBytes)),
    nodeAgentPssBytes: median(agents.map((entry) => entry.pssBytes)),
    gridPssBytes: after.reduce((sum, entry) => sum + entry.pssBytes, 0),
    corePercent: (100 * usedMs) / IDLE_WATCH_MS,
    emptyProgramPercent,
  };
}

async function repeated(title: string, measure: (run: number) => Promise<number>): Promise<readonly number[]> {
  const values: number[] = [];
  for (let run = 1; run <= RUNS; run += 1) {
    const value = await measure(run);
    values.push(value);
    say(`${title}, run ${run} of ${RUNS}: ${value} ms`);
  }
  return values;
}

async function main(): Promise<void> {
  const grid = gridOn(newStateDir());
  const figures: Figure[] = [];
  const times = (name: string, values: readonly number[], targetMs: number): void =>
    void figures.push({ name, value: `${(median(values) / 1000).toFixed(2)} s`, spread: `${(Math.min(...values) / 1000).toFixed(2)} - ${(Math.max(...values) / 1000).toFixed(2)} s, ${values.length} runs`, target: `< ${targetMs / 1000} s` });
  const size = (name: string, bytes: number, targetBytes: number | undefined): void => void figures.push({ name, value: `${(bytes / 1e6).toFixed(0)} MB`, spread: "", target: targetBytes === undefined ? "" : `< ${(targetBytes / 1e6).toFixed(0)} MB` });
  try {
    const coldMs = Date.now();
    await grid.json("up", "--detach");
    figures.push({ name: "cold start (images made, pushed and pulled) to reachable guestbook", value: `${((Date.now() - coldMs) / 1000).toFixed(2)} s`, spread: "1 run", target: "" });
    times("warm start to reachable guestbook", await repeated("warm start", () => measureWarmStart(grid)), TARGETS.warmStartMs);
    await fillImageCaches(grid);
    times("deploy of a cached image to the first good answer (p50)", await repeated("deploy", (run) => measureDeploy(grid, run)), TARGETS.deployMs);
    times("node death to good answer, only replica", await repeated("node loss", (run) => measureNodeLoss(grid, run)), TARGETS.nodeLossMs);
    const idle = await measureIdle(grid);
    size("idle 3Node agent, proportional set size", idle.nodeAgentPssBytes, TARGETS.nodeAgentBytes);
    size("idle 3Node agent, resident set size (its share of the Node binary counted in full)", idle.nodeAgentRssBytes, undefined);
    size("whole local grid with the guestbook", idle.gridPssBytes, TARGETS.gridBytes);
    figures.push({ name: "whole local grid, idle, of one core", value: `${idle.corePercent.toFixed(1)} %`, spread: `${IDLE_WATCH_MS / 1000} s watched`, target: `< ${TARGETS.idleCorePercent} %` });
    figures.push({ name: EMPTY_PROGRAM.title, value: `${idle.emptyProgramPercent.toFixed(2)} %`, spread: "the yardstick", target: "" });
    writeReport(figures);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await grid.down();
  }
}

await main();
