/** A whole local grid for a test: started and driven by the command line, as a user would, and checked for leftovers. */
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gridIdOf } from "../../packages/cli/src/local-grid/layout.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface GatewayAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

// The shapes below are what `--json` promises; tests read them as any script would.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export interface TestGrid {
  readonly stateDir: string;
  readonly prefix: string;
  /** Runs `tfgrid ARGS --json`. */
  cli(...args: readonly string[]): Promise<CliResult>;
  /** The same, parsed; throws with everything that was printed when it failed. */
  json(...args: readonly string[]): Promise<Json>;
  /** One request through the web gateway by host name. */
  fetch(host: string, path: string, options?: { readonly method?: string; readonly body?: string; readonly timeoutMs?: number }): Promise<GatewayAnswer>;
  /** Waits until the condition holds; its last error or value is in the failure. */
  until<T>(what: string, condition: () => Promise<T | undefined | false>, timeoutMs?: number): Promise<T>;
  status(): Promise<Json>;
  down(): Promise<void>;
  leftovers(): readonly string[];
}

export interface StartOptions {
  readonly example?: boolean;
  readonly nodes?: number;
  /** CometBFT validators; left out: one authority. */
  readonly validators?: number;
}

/** A state folder whose grid id no other test uses at the same time. */
export function newStateDir(): string {
  return mkdtempSync("/var/tmp/tfgrid-e2e-");
}

export async function startGrid(options: StartOptions = {}): Promise<TestGrid> {
  const grid = gridOn(newStateDir());
  const validators = options.validators === undefined ? [] : ["--validators", String(options.validators)];
  const args = ["up", "--detach", ...validators, ...(options.example === false ? ["--no-example"] : []), ...(options.nodes === undefined ? [] : ["--nodes", String(options.nodes)])];
  const started = await grid.cli(...args);
  if (started.code !== 0) {
    const logs = logTails(grid.stateDir);
    await grid.down();
    throw new Error(`tfgrid up failed (${started.code}):\n${started.stdout}\n${started.stderr}\n${logs}`);
  }
  return grid;
}

export function gridOn(stateDir: string): TestGrid {
  const prefix = `tfg${gridIdOf(stateDir)}`;
  const cli = (...args: readonly string[]): Promise<CliResult> => runCli(stateDir, args);
  const json = async (...args: readonly string[]): Promise<Json> => {
    const result = await cli(...args);
    if (result.code !== 0) throw new Error(`tfgrid ${args.join(" ")} ended with ${result.code}:\n${result.stdout}\n${result.stderr}`);
    return JSON.parse(result.stdout) as Json;
  };
  const status = (): Promise<Json> => json("status");
  let gateway: string | undefined;
  return {
    stateDir,
    prefix,
    cli,
    json,
    status,
    until,
    fetch: async (host, path, fetchOptions = {}) => {
      gateway ??= (JSON.parse(readFileSync(join(stateDir, "endpoints.json"), "utf8")) as { gateway: { address: string } }).gateway.address;
      return gatewayRequest({ address: gateway, host, path, ...fetchOptions });
    },
    down: async () => {
      await cli("down");
      rmSync(stateDir, { recursive: true, force: true });
    },
    leftovers: () => leftoversOf(prefix, stateDir),
  };
}

export function runCli(stateDir: string, args: readonly string[]): Promise<CliResult> {
  return new Promise((resolve) => {
    execFile(join(root, "tfgrid"), ["--json", "--state", stateDir, ...args], { maxBuffer: 64 * 1024 * 1024, timeout: 240_000, killSignal: "SIGKILL" }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : 1, stdout, stderr });
    });
  });
}

/** Starts `tfgrid up` in the foreground, for tests that interrupt it. */
export function spawnUp(stateDir: string, args: readonly string[] = []): ReturnType<typeof spawn> {
  return spawn(join(root, "tfgrid"), ["--state", stateDir, "up", ...args], { stdio: ["ignore", "pipe", "pipe"], detached: true });
}

interface GatewayRequest {
  readonly address: string;
  readonly host: string;
  readonly path: string;
  readonly method?: string;
  readonly body?: string;
  readonly timeoutMs?: number;
}

export function gatewayRequest(options: GatewayRequest): Promise<GatewayAnswer> {
  const { address, host, path, method = "GET", body, timeoutMs = 5000 } = options;
  return new Promise((resolve, reject) => {
    const sent = request({ host: address, port: 80, path, method, timeout: timeoutMs, agent: false, headers: { host, ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }) } }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }));
      response.on("error", reject);
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    sent.on("error", reject);
    sent.end(body);
  });
}

export async function until<T>(what: string, condition: () => Promise<T | undefined | false>, timeoutMs = 180_000): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadlineMs) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await sleep(100);
  }
  throw new Error(`${what}: not within ${timeoutMs} ms; last seen: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
}

/** Everything of a grid that must be gone after it was stopped. */
export function leftoversOf(prefix: string, stateDir: string): readonly string[] {
  const found: string[] = [];
  if (existsSync("/run/netns")) found.push(...readdirSync("/run/netns").filter((name) => name.startsWith(prefix)).map((name) => `namespace ${name}`));
  found.push(...readdirSync("/sys/class/net").filter((name) => name.startsWith(prefix)).map((name) => `link ${name}`));
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n").map((line) => line.split(" ")[4] ?? "");
  found.push(...mounts.filter((target) => target.startsWith(`${stateDir}/`)).map((target) => `mount ${target}`));
  found.push(...cgroupsOf(prefix).map((path) => `cgroup ${path}`));
  found.push(...processesOf(prefix, stateDir));
  return found;
}

function cgroupsOf(prefix: string): readonly string[] {
  const roots = ["/sys/fs/cgroup", ...readdirSync("/sys/fs/cgroup").map((name) => `/sys/fs/cgroup/${name}`)];
  return roots.map((folder) => `${folder}/tfgrid`).flatMap((folder) => (existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(prefix)).map((name) => `${folder}/${name}`) : []));
}

function processesOf(prefix: string, stateDir: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return command.includes(stateDir) || command.includes(`${prefix}-`) ? [`process ${pid}: ${command.slice(0, 160)}`] : [];
      } catch {
        return []; // it ended while we looked
      }
    });
}

export function logTails(stateDir: string): string {
  const folder = join(stateDir, "logs");
  if (!existsSync(folder)) return "(no logs)";
  return readdirSync(folder).map((name) => `--- ${name}\n${readFileSync(join(folder, name), "utf8").slice(-1500)}`).join("\n");
}
