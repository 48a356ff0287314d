/** Runs the machine's own tools. Arguments are lists, scripts go by standard input: nothing is ever parsed by a shell. */
import { spawn } from "node:child_process";
import { fail } from "../errors.ts";
import { NETWORK_LIMITS as L } from "../limits.ts";

export interface RunOptions {
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Resolves whatever the exit code. @throws GridError network.command_missing, network.command_failed (timeout) */
export function tryRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      stdio: ["pipe", "pipe", "pipe"],
      timeout: options.timeoutMs ?? L.commandTimeoutMs,
      killSignal: "SIGKILL",
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let size = 0;
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size > L.commandOutputBytes) child.kill("SIGKILL");
      else into.push(chunk);
    };
    child.stdout.on("data", collect(out));
    child.stderr.on("data", collect(err));
    // A command that ends before it has read its input breaks the pipe; its exit code tells why.
    child.stdin.on("error", () => undefined);
    child.on("error", (cause: NodeJS.ErrnoException) => {
      if (options.signal?.aborted === true) reject(options.signal.reason as Error);
      else if (cause.code === "ENOENT") reject(fail("network.command_missing", { message: `${command} is not installed.`, cause }));
      else reject(fail("network.command_failed", { cause, details: { command } }));
    });
    child.on("close", (code, signal) => {
      const stdout = Buffer.concat(out).toString("utf8");
      const stderr = Buffer.concat(err).toString("utf8");
      if (code === null) reject(failed(command, args, `ended by ${signal ?? "a signal"}: ${stderr}`));
      else resolve({ exitCode: code, stdout, stderr });
    });
    child.stdin.end(options.stdin ?? "");
  });
}

/** Standard output of a command that must succeed. @throws GridError network.command_failed */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await tryRun(command, args, options);
  if (result.exitCode !== 0) throw failed(command, args, result.stderr);
  return result.stdout;
}

function failed(command: string, args: readonly string[], stderr: string): Error {
  const text = stderr.trim().slice(0, L.errorTextLength);
  return fail("network.command_failed", { message: `${command} failed: ${text}`, details: { command: [command, ...args].join(" "), stderr: text } });
}

export const netnsPath = (netns: string): string => `/run/netns/${netns}`;

/** `nsenter` and never `ip netns exec`, which would also unshare the mount namespace. */
export const inNetns = (netns: string, command: string, args: readonly string[]): [string, string[]] => [
  "nsenter",
  [`--net=${netnsPath(netns)}`, command, ...args],
];

export function runIn(netns: string, command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return run(...inNetns(netns, command, args), options);
}

/** One process for many `ip` lines; stops at the first that fails. */
export async function ipBatch(netns: string | undefined, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await run("ip", [...(netns === undefined ? [] : ["-n", netns]), "-batch", "-"], { stdin: `${lines.join("\n")}\n` });
}

/** Like ipBatch, but goes on after lines that fail: for removing what may be gone already. */
export async function ipBatchForce(netns: string | undefined, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await tryRun("ip", [...(netns === undefined ? [] : ["-n", netns]), "-force", "-batch", "-"], { stdin: `${lines.join("\n")}\n` });
}

/** One transaction: all of the rules or none. */
export async function nft(netns: string, rules: string): Promise<void> {
  await runIn(netns, "nft", ["-f", "-"], { stdin: rules });
}
