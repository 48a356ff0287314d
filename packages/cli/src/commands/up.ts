/** `up` and `down`: the local grid. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, InvalidArgumentError } from "commander";
import { GridError, type Logger, type WireError, hasCode, isGridError, jsonLogger, messageOf, systemClock } from "@tfgrid/primitives";
import type { Context } from "../context.ts";
import { type GridEndpoints, readEndpoints } from "../endpoints.ts";
import { cliErrors } from "../errors.ts";
import { deployExample, waitForAllReplicas, waitForExample } from "../local-grid/example.ts";
import { validatorsOf } from "../local-grid/chain-choice.ts";
import { type GridLayout, MAX_VALIDATORS, layoutOf } from "../local-grid/layout.ts";
import { liveView } from "../local-grid/live-view.ts";
import { releaseLock, runningSupervisor, stopSupervisor, takeLock } from "../local-grid/lock.ts";
import { type Progress, createProgress } from "../local-grid/progress.ts";
import { type RunningGrid, removeRemains, startGrid } from "../local-grid/start-grid.ts";
import { appendLogger } from "../output/log-file.ts";
import { paint } from "../output/terminal.ts";
import type { Action } from "./index.ts";

interface UpOptions {
  readonly detach?: boolean;
  readonly example: boolean;
  readonly nodes: number;
  readonly validators?: number;
  readonly subnet?: string;
  /** Internal: this process is the detached one. */
  readonly background?: boolean;
}

export function addGridCommands(program: Command, action: Action): void {
  program
    .command("up")
    .description("start the local grid, deploy the example and show what happens")
    .option("--detach", "return as soon as it runs; end it with `tfgrid down`")
    .option("--no-example", "without the guestbook")
    .option("--nodes <count>", "3Nodes beside the gateway", nodeCount, 3)
    .option("--validators <count>", "run the ledger on so many CometBFT validators; without it, on one authority (the choice stays with the state folder)", validatorCount)
    .option("--subnet <a.b.c>", "first three octets of the network between farmers")
    .addOption(program.createOption("--background").hideHelp())
    .action(action((context, options: UpOptions) => (options.detach === true ? upDetached(context, options) : upHere(context, options))));
  program
    .command("down")
    .description("stop the local grid and remove everything it made; state stays")
    .action(action(down));
}

function nodeCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 20) throw new InvalidArgumentError("1 to 20 nodes.");
  return count;
}

/** Two could not lose one, and three neither: with less than two thirds a chain stands. One is for trying CometBFT out. */
function validatorCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > MAX_VALIDATORS) throw new InvalidArgumentError(`1 to ${MAX_VALIDATORS} validators; four can lose one.`);
  return count;
}

function layoutFor(context: Context, options: Pick<UpOptions, "nodes" | "subnet" | "validators">): GridLayout {
  if (process.getuid?.() !== 0) throw cliErrors.fail("cli.not_root");
  return layoutOf({ stateDir: context.stateDir, computeNodes: options.nodes, subnet: options.subnet, validators: validatorsOf(context.stateDir, options.validators) });
}

async function upHere(context: Context, options: UpOptions): Promise<void> {
  const layout = layoutFor(context, options);
  takeLock(layout);
  mkdirSync(layout.files.logs, { recursive: true });
  const logger = appendLogger(join(layout.files.logs, "supervisor.log"));
  const progress = options.background === true ? reportingProgress() : createProgress({ stream: process.stderr, silent: context.printer.json, nowMs: () => systemClock.nowMs() });
  let grid: RunningGrid | undefined;
  try {
    grid = await startGrid({ layout, progress, logger, signal: context.signal });
    if (options.example) await runExample(context, grid, progress);
    announce(context, grid.endpoints, options);
    await stayUp(context, grid, options);
  } catch (error) {
    if (!context.signal.aborted) throw tellParent(error);
  } finally {
    await progress.step("stop everything", async () => grid?.stop());
    releaseLock(layout);
  }
}

async function runExample(context: Context, grid: RunningGrid, progress: Progress): Promise<void> {
  const { signal } = context;
  await progress.step("deploy examples/guestbook", (note) => deployExample({ grid, signal, note }));
  await progress.step("wait for the guestbook's first good answer", (note) => waitForExample({ grid, signal, note }));
  try {
    await progress.step("wait until all its replicas answer", (note) => waitForAllReplicas({ grid, signal, note }));
  } catch (error) {
    // A grid with a lost node is up all the same: the step's mark says that something is missing, the solution's status what.
    if (!hasCode(error, "cli.timeout")) throw error;
  }
}

function announce(context: Context, endpoints: GridEndpoints, options: UpOptions): void {
  process.send?.({ ready: true });
  if (options.background === true) return;
  context.printer.result(endpoints, () => addressLines(endpoints, options.example).join("\n"));
}

export function addressLines(endpoints: GridEndpoints, example: boolean): readonly string[] {
  const port = new URL(endpoints.gateway.http).port;
  return [
    "",
    ...(example ? [`  guestbook   ${paint("cyan", `http://guestbook.${endpoints.gateway.domain}:${port}`)}`] : []),
    `  dashboard   ${paint("cyan", endpoints.dashboard)}`,
    `  chain       ${endpoints.chain.urls.join("  ")}`,
    `  explorer    ${endpoints.explorer}/nodes`,
    `  registry    ${endpoints.registry.url} (push as ${endpoints.registry.name}/NAME)`,
    "",
  ];
}

async function stayUp(context: Context, grid: RunningGrid, options: UpOptions): Promise<void> {
  if (options.background === true) {
    process.disconnect?.();
    await new Promise<void>((resolve) => context.signal.addEventListener("abort", () => resolve(), { once: true }));
    return;
  }
  await liveView({ chain: grid.chain, endpoints: grid.endpoints, programs: () => grid.supervisor.status(), stream: process.stdout, clock: systemClock, signal: context.signal });
}

type Message = { readonly step: string; readonly state: "begin" | "end" | "failed" } | { readonly ready: true } | { readonly error: WireError };

/** Steps of the detached process, told to the one that waits for it. */
function reportingProgress(): Progress {
  const tell = (message: Message): void => {
    if (process.connected) process.send?.(message);
  };
  return {
    step: async (title, work) => {
      tell({ step: title, state: "begin" });
      try {
        const result = await work(() => undefined);
        tell({ step: title, state: "end" });
        return result;
      } catch (error) {
        tell({ step: title, state: "failed" });
        throw error;
      }
    },
  };
}

function tellParent(error: unknown): unknown {
  const wire = (isGridError(error) ? error : cliErrors.fail("cli.unexpected", { message: messageOf(error) })).toWire();
  if (process.connected) process.send?.({ error: wire });
  return error;
}

async function upDetached(context: Context, options: UpOptions): Promise<void> {
  const layout = layoutFor(context, options);
  const running = runningSupervisor(layout);
  if (running !== undefined) throw cliErrors.fail("cli.already_running", { details: { pid: running } });
  mkdirSync(layout.files.logs, { recursive: true });
  const log = openSync(join(layout.files.logs, "up.log"), "a");
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  const args = [main, "--state", context.stateDir, "up", "--background", "--nodes", String(options.nodes), ...(options.example ? [] : ["--no-example"]), ...(options.validators === undefined ? [] : ["--validators", String(options.validators)]), ...(options.subnet === undefined ? [] : ["--subnet", options.subnet])];
  const child = spawn(process.execPath, args, { detached: true, stdio: ["ignore", log, log, "ipc"] });
  context.signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
  await followChild(context, child);
  child.disconnect();
  child.unref();
  const endpoints = readEndpoints(context.stateDir);
  context.printer.result({ pid: child.pid, ...endpoints }, () => addressLines(endpoints, options.example).join("\n"));
}

async function followChild(context: Context, child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let failure: GridError | undefined;
    child.on("message", (message: Message) => {
      if ("ready" in message) resolve();
      else if ("error" in message) failure = GridError.fromWire(message.error);
      else if (message.state !== "begin") context.printer.progress(`${message.state === "end" ? paint("green", "✔", process.stderr) : paint("red", "✘", process.stderr)} ${message.step}`);
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => reject(failure ?? cliErrors.fail("cli.start_failed", { message: `The grid ended while it started (${signal ?? `exit code ${code}`}); see logs/up.log in the state folder.` })));
  });
}

async function down(context: Context): Promise<void> {
  const layout = layoutFor(context, { nodes: 20 });
  const pid = runningSupervisor(layout);
  if (pid !== undefined) await stopSupervisor(pid);
  // Also after a clean stop: what a killed supervisor left is found by name.
  const logger: Logger = jsonLogger({ write: (line) => context.printer.progress(line.trimEnd()), level: "warn" });
  await removeRemains(layout, logger);
  context.printer.result({ stopped: pid !== undefined, stateDir: layout.stateDir }, () => (pid === undefined ? "nothing was running; remains were removed" : "the grid is down; `tfgrid up` continues from the same state"));
}
