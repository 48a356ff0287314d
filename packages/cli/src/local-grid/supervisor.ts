/**
 * Keeps the grid's programs running: each is started, awaited until it says that it serves, and started again with
 * back-off when it ends by itself. Process ids are on disk, so that whatever a killed supervisor left can be found.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, type Logger, messageOf, systemClock } from "@tfgrid/primitives";
import { cliErrors } from "../errors.ts";
import { readJson, writeJson } from "./state-files.ts";

export interface ProgramSpec {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** How it tells that it serves: our programs print a line, others are asked. */
  readonly ready: { readonly kind: "line" } | { readonly kind: "probe"; readonly probe: (signal: AbortSignal) => Promise<boolean> };
  readonly startTimeoutMs: number;
}

export interface ProgramStatus {
  readonly name: string;
  readonly state: "starting" | "running" | "restarting" | "stopped";
  readonly pid?: number;
  readonly restarts: number;
  readonly lastExit?: string;
  readonly endpoints: Readonly<Record<string, string>>;
}

/** First restart after this, doubled each time up to the maximum; a program that ran this long starts over. */
const BACKOFF = { firstMs: 100, maxMs: 5_000, calmMs: 10_000 } as const;
const STOP_GRACE_MS = 8_000;

interface Program {
  readonly spec: ProgramSpec;
  child: ChildProcess | undefined;
  state: ProgramStatus["state"];
  restarts: number;
  startedAtMs: number;
  lastExit: string | undefined;
  endpoints: Record<string, string>;
  wanted: boolean;
  loop: Promise<void>;
}

export interface SupervisorOptions {
  readonly logsDir: string;
  readonly pidsFile: string;
  readonly logger: Logger;
  readonly clock?: Clock;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #clock: Clock;
  readonly #programs = new Map<string, Program>();
  readonly #stopping = new AbortController();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    mkdirSync(options.logsDir, { recursive: true });
  }

  /** Starts a program and resolves when it serves. @throws GridError cli.start_failed with the end of its log */
  async start(spec: ProgramSpec): Promise<Readonly<Record<string, string>>> {
    // A start that was under way when everything was told to end must not leave a program behind.
    if (this.#stopping.signal.aborted) throw cliErrors.fail("cli.start_failed", { message: `${spec.name} was not started: the grid is ending.` });
    const program: Program = { spec, child: undefined, state: "starting", restarts: 0, startedAtMs: 0, lastExit: undefined, endpoints: {}, wanted: true, loop: Promise.resolve() };
    this.#programs.set(spec.name, program);
    const first = Promise.withResolvers<void>();
    program.loop = this.#keepRunning(program, first);
    await first.promise;
    return program.endpoints;
  }

  status(): readonly ProgramStatus[] {
    return [...this.#programs.values()].map((program) => ({
      name: program.spec.name,
      state: program.state,
      restarts: program.restarts,
      endpoints: program.endpoints,
      ...(program.child?.pid === undefined ? {} : { pid: program.child.pid }),
      ...(program.lastExit === undefined ? {} : { lastExit: program.lastExit }),
    }));
  }

  pidOf(name: string): number | undefined {
    return this.#programs.get(name)?.child?.pid;
  }

  /** Ends one program for good: asked first, killed after the grace. */
  async stop(name: string): Promise<void> {
    const program = this.#programs.get(name);
    if (program === undefined) return;
    program.wanted = false;
    await terminate(program.child, this.#clock);
    await program.loop;
    program.state = "stopped";
    this.#savePids();
  }

  /**
   * Ends all: those named `first` before the others, which then end together. Each is made to outlive the sudden death of
   * any other, so no order among them matters, and the slowest alone decides how long it takes.
   */
  async stopAll(first: readonly string[] = []): Promise<void> {
    this.#stopping.abort(new Error("stopping"));
    for (const program of this.#programs.values()) program.wanted = false;
    for (const name of first) await this.stop(name);
    await Promise.all([...this.#programs.keys()].map((name) => this.stop(name)));
  }

  async #keepRunning(program: Program, first: PromiseWithResolvers<void>): Promise<void> {
    let backoffMs: number = BACKOFF.firstMs;
    let everServed = false;
    while (program.wanted) {
      try {
        await this.#runOnce(program, () => {
          everServed = true;
          first.resolve();
        });
      } catch (error) {
        program.lastExit = messageOf(error);
        this.#options.logger.warn("program ended", { program: program.spec.name, error });
        if (!everServed) {
          program.wanted = false;
          first.reject(error);
          return;
        }
      }
      if (!program.wanted) return;
      if (this.#clock.nowMs() - program.startedAtMs > BACKOFF.calmMs) backoffMs = BACKOFF.firstMs;
      program.state = "restarting";
      program.restarts += 1;
      await this.#clock.sleep(backoffMs, this.#stopping.signal).catch(() => undefined);
      backoffMs = Math.min(backoffMs * 2, BACKOFF.maxMs);
    }
    first.reject(cliErrors.fail("cli.start_failed", { message: `${program.spec.name} was stopped while it started.` }));
  }

  async #runOnce(program: Program, onServing: () => void): Promise<void> {
    const { spec } = program;
    const [command = "", ...args] = spec.command;
    const logFile = join(this.#options.logsDir, `${spec.name}.log`);
    const log = openSync(logFile, "a");
    // A group of its own: Ctrl-C in the terminal must reach the supervisor only, which then stops all in order.
    const child = spawn(command, args, { detached: true, stdio: ["ignore", spec.ready.kind === "line" ? "pipe" : log, log], env: spec.env ?? process.env });
    closeSync(log);
    program.child = child;
    program.startedAtMs = this.#clock.nowMs();
    this.#savePids();
    const ended = new Promise<string>((resolve) => {
      child.on("error", (error) => resolve(error.message));
      child.on("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    const served = this.#whenServing(program, child);
    const outcome = await Promise.race([served.then(() => "serving" as const), ended]);
    if (outcome === "serving") {
      program.state = "running";
      onServing();
      const how = await ended;
      program.lastExit = how;
      if (program.wanted) this.#options.logger.warn("program ended by itself", { program: spec.name, how });
      return;
    }
    throw cliErrors.fail("cli.start_failed", { message: `${spec.name} did not start (${outcome}): ${lastWords(logFile)}`, details: { program: spec.name, logFile } });
  }

  async #whenServing(program: Program, child: ChildProcess): Promise<void> {
    const { spec } = program;
    const timeout = AbortSignal.timeout(spec.startTimeoutMs);
    if (spec.ready.kind === "line") {
      program.endpoints = await readyLine(child, timeout).catch((cause: unknown) => this.#tooSlow(spec, cause, child));
      return;
    }
    while (!(await spec.ready.probe(timeout).catch(() => false))) {
      await this.#clock.sleep(50, AbortSignal.any([timeout, this.#stopping.signal])).catch((cause: unknown) => this.#tooSlow(spec, cause, child));
    }
  }

  #tooSlow(spec: ProgramSpec, cause: unknown, child: ChildProcess): never {
    child.kill("SIGKILL");
    throw cliErrors.fail("cli.start_failed", { message: `${spec.name} did not serve within ${spec.startTimeoutMs} ms.`, cause });
  }

  #savePids(): void {
    const pids = Object.fromEntries([...this.#programs.values()].flatMap((program) => (program.child?.pid === undefined || program.child.exitCode !== null ? [] : [[program.spec.name, { pid: program.child.pid, startTicks: startTicks(program.child.pid) }]])));
    writeJson(this.#options.pidsFile, pids);
  }
}

/** Our programs print one JSON line on standard output when they serve; what follows is drained. */
async function readyLine(child: ChildProcess, signal: AbortSignal): Promise<Record<string, string>> {
  let text = "";
  const found = Promise.withResolvers<Record<string, string>>();
  signal.addEventListener("abort", () => found.reject(signal.reason as Error), { once: true });
  child.stdout?.setEncoding("utf8");
  child.stdout?.on("data", (chunk: string) => {
    text = (text + chunk).slice(-65_536);
    for (const line of text.split("\n")) {
      if (!line.startsWith('{"ready":true')) continue;
      found.resolve((JSON.parse(line) as { endpoints?: Record<string, string> }).endpoints ?? {});
    }
  });
  return found.promise;
}

async function terminate(child: ChildProcess | undefined, clock: Clock): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const killer = new AbortController();
  const kill = clock.sleep(STOP_GRACE_MS, killer.signal).then(
    () => child.kill("SIGKILL"),
    () => false,
  );
  await gone;
  killer.abort();
  await kill;
}

/** What a program said last: its error with the cure when it is one of ours, the end of its log otherwise. */
function lastWords(logFile: string): string {
  const text = tail(logFile);
  try {
    const { message, cure } = JSON.parse(text.slice(text.lastIndexOf("\n") + 1)) as { message?: string; cure?: string };
    if (message !== undefined) return `${message} ${cure ?? ""}`.trim();
  } catch {
    // Not a line of ours: shown as it is.
  }
  return `the end of ${logFile}:\n${text}`;
}

export function tail(path: string, bytes = 2000): string {
  try {
    return readFileSync(path, "utf8").slice(-bytes).trim();
  } catch {
    return "(no log)";
  }
}

/** When a process started, in clock ticks since boot (field 22 of /proc/PID/stat): tells a reused pid from the old one. */
export function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** Kills what an earlier supervisor left running, by pid and start time. */
export async function killLeftovers(pidsFile: string, clock: Clock = systemClock): Promise<readonly string[]> {
  const known = (readJson(pidsFile) ?? {}) as Record<string, { pid: number; startTicks?: string }>;
  const alive = Object.entries(known).filter(([, { pid, startTicks: ticks }]) => ticks !== undefined && startTicks(pid) === ticks);
  await Promise.all(alive.map(([, { pid, startTicks: ticks }]) => endStranger(pid, ticks, clock)));
  writeJson(pidsFile, {});
  return alive.map(([name]) => name);
}

async function endStranger(pid: number, ticks: string | undefined, clock: Clock): Promise<void> {
  const deadlineMs = clock.nowMs() + STOP_GRACE_MS;
  signalIfAlive(pid, "SIGTERM");
  while (startTicks(pid) === ticks && clock.nowMs() < deadlineMs) await clock.sleep(50);
  if (startTicks(pid) === ticks) signalIfAlive(pid, "SIGKILL");
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // ESRCH: it ended between the look and the signal, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
