import { type ChildProcess, spawn } from "node:child_process";
import type { GridError } from "@tfgrid/primitives";
import { fail } from "./errors.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Programs get no variables of the node agent: secrets in its environment must not reach image tools. */
const BASE_ENV = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", HOME: "/root" };

/** Runs a program to its end. An abort or time-out kills its whole process group. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { signal, timeoutMs = L.programTimeoutMs } = options;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: { ...BASE_ENV, ...options.env },
    });
    let timedOut = false;
    // A process that left the group may hold the pipes open for ever: nothing more is read after the kill.
    const end = (): void => {
      killGroup(child);
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, timeoutMs);
    const onAbort = (): void => end();
    signal?.addEventListener("abort", onAbort, { once: true });
    const stdout = collect(child.stdout, options.onLine);
    const stderr = collect(child.stderr, options.onLine);
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    child.once("error", (cause) => {
      finish();
      reject(startError(program, cause));
    });
    child.once("close", (code) => {
      finish();
      if (signal?.aborted === true) reject(signal.reason as Error);
      else resolve({ code: code ?? 137, stdout: stdout(), stderr: stderr(), timedOut });
    });
  });
}

/** Runs a program that must succeed; `onFailure` turns its words into an error of the catalogue. */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: RunOptions & { readonly onFailure?: (result: RunResult) => GridError } = {},
): Promise<string> {
  const result = await run(program, args, options);
  if (result.code === 0) return result.stdout;
  throw options.onFailure?.(result) ?? systemFailure(program, result);
}

export function systemFailure(program: string, result: RunResult): GridError {
  const text = (result.stderr.trim() || result.stdout.trim()).slice(-1000);
  if (/no space left on device/i.test(text)) return fail("compute.disk_full", { details: { program, message: text } });
  const reason = result.timedOut ? "took too long" : `ended with code ${result.code}`;
  return fail("compute.system_failed", {
    message: `${program} ${reason}: ${text || "no message"}`,
    details: { program, code: result.code },
  });
}

function startError(program: string, cause: Error): Error {
  if ((cause as NodeJS.ErrnoException).code !== "ENOENT") return cause;
  return fail("compute.tool_missing", { message: `The program ${program} is not installed on this 3Node.`, details: { program }, cause });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function collect(stream: NodeJS.ReadableStream, onLine: ((line: string) => void) | undefined): () => string {
  let text = "";
  let line = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text = (text + chunk).slice(-L.programOutputBytes);
    if (onLine === undefined) return;
    const parts = (line + chunk).split(/[\r\n]+/);
    line = (parts.pop() ?? "").slice(-L.programOutputBytes);
    for (const part of parts) if (part !== "") onLine(part);
  });
  return () => text;
}
