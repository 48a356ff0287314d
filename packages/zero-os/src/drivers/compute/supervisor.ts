/**
 * conmon holds a zmachine's output and exit code, detached from the agent and in a control group of its own: the agent
 * can be killed, updated or started anew while zmachines run on.
 */
import { spawn } from "node:child_process";
import { open, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { fail } from "./errors.ts";
import { run, type RunOptions, type RunResult } from "./exec.ts";
import { readIfExists } from "./files.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";
import { listFolders } from "./record.ts";

export interface RuntimePaths {
  /** Program and first arguments that run crun or runc. */
  readonly command: readonly [string, ...string[]];
  /** Where the runtime keeps its own state; in memory, gone with a reboot like the zmachines themselves. */
  readonly stateRoot: string;
  readonly exitDir: string;
}

export interface LaunchOptions {
  readonly id: string;
  readonly bundle: string;
  readonly logPath: string;
  readonly persistDir: string;
  readonly cgroupFolders: readonly string[];
}

const SCRIPT = 'for folder in $GROUPS_TO_JOIN; do echo 0 > "$folder/cgroup.procs" || exit 97; done; unset GROUPS_TO_JOIN; exec conmon "$@"';

/** Creates the zmachine under a supervisor; its process waits until `startCreated`. */
export async function createSupervised(paths: RuntimePaths, options: LaunchOptions): Promise<void> {
  const { id, bundle } = options;
  await rm(`${paths.exitDir}/${id}`, { force: true });
  const args = ["-c", id, "-n", id, "-u", id, "-b", bundle, "-r", paths.command[0]];
  for (const word of runtimeArgs(paths)) args.push(`--runtime-arg=${word}`);
  args.push("-p", `${bundle}/pid`, "-P", `${bundle}/conmon.pid`, "--exit-dir", paths.exitDir, "--persist-dir", options.persistDir);
  args.push("-l", `k8s-file:${options.logPath}`, "--log-size-max", String(L.logBytes), "--no-sync-log", "--full-attach");
  const errors = await open(`${bundle}/conmon.log`, "w", 0o600);
  try {
    const child = spawn("sh", ["-c", SCRIPT, "sh", ...args], {
      stdio: ["ignore", "ignore", errors.fd, "pipe"],
      detached: true,
      cwd: bundle,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", _OCI_SYNCPIPE: "3", GROUPS_TO_JOIN: options.cgroupFolders.join(" ") },
    });
    const answer = await firstLine(child.stdio[3] as Readable, child);
    readAnswer(answer, await readIfExists(`${bundle}/conmon.log`));
  } finally {
    await errors.close();
  }
}

export function runRuntime(paths: RuntimePaths, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run(paths.command[0], [...runtimeArgs(paths), ...args], options);
}

function runtimeArgs(paths: RuntimePaths): string[] {
  return [...paths.command.slice(1), `--root=${paths.stateRoot}`];
}

export async function startCreated(paths: RuntimePaths, id: string): Promise<void> {
  const result = await runRuntime(paths, ["start", id]);
  if (result.code !== 0) throw startFailed(result.stderr);
}

/** `created`, `running`, `stopped`, or undefined when the runtime knows nothing of it. */
export async function runtimeState(paths: RuntimePaths, id: string): Promise<string | undefined> {
  const result = await runRuntime(paths, ["state", id]);
  if (result.code !== 0) return undefined;
  return (JSON.parse(result.stdout) as { status?: string }).status;
}

export async function deleteForced(paths: RuntimePaths, id: string): Promise<void> {
  if (!(await listFolders(paths.stateRoot)).includes(id)) return;
  const result = await runRuntime(paths, ["delete", "--force", id]);
  if (result.code === 0 || /does not exist/i.test(result.stderr)) return;
  // Whatever the runtime cannot undo is undone from the kernel's own lists by the caller; its state must go all the same.
  await rm(`${paths.stateRoot}/${id}`, { recursive: true, force: true });
}

/** True while the supervisor lives: then an exit file is still to come. */
export async function supervisorAlive(bundle: string, id: string): Promise<boolean> {
  const pid = await supervisorPid(bundle, id);
  return pid !== undefined;
}

export async function supervisorPid(bundle: string, id: string): Promise<number | undefined> {
  const pid = Number((await readIfExists(`${bundle}/conmon.pid`))?.trim());
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  const words = (await readIfExists(`/proc/${pid}/cmdline`))?.split("\0") ?? [];
  return words[0]?.endsWith("conmon") === true && words.includes(id) ? pid : undefined;
}

function firstLine(stream: Readable, child: ReturnType<typeof spawn>): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const finish = (): void => {
      clearTimeout(timer);
      stream.destroy();
      resolve(text);
    };
    const timer = setTimeout(finish, L.programTimeoutMs);
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\n") || text.length > L.programOutputBytes) finish();
    });
    stream.once("end", finish);
    child.once("error", (cause) => {
      finish();
      reject(cause);
    });
  });
}

/** conmon writes `{"pid":N}`, with -1 and the runtime's message when the zmachine could not be created. */
function readAnswer(line: string, errors: string | undefined): void {
  let answer: { pid?: number; message?: string } = {};
  try {
    answer = JSON.parse(line) as typeof answer;
  } catch {
    throw startFailed(errors ?? line);
  }
  if (answer.pid === undefined || answer.pid <= 0) throw startFailed(answer.message || errors || "no message");
}

function startFailed(text: string): Error {
  const message = text.trim().slice(-1000);
  if (/no space left on device/i.test(message)) return fail("compute.disk_full", { details: { message } });
  if (/spawn .*ENOENT|conmon: not found/.test(message)) return fail("compute.tool_missing", { details: { message } });
  const reason = /(?:exec:|executable file|starting container process caused)[^"\n]*("[^"]*"[^"\n]*)?/.exec(message)?.[0];
  return fail("compute.start_failed", {
    message: `The zmachine could not be started: ${(reason ?? message).slice(0, 300)}`,
    details: { message },
  });
}
