/** HAProxy as a process that outlives us: started, found again, reloaded, ended. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, messageOf } from "@tfgrid/primitives";
import { CONFIG_FILE, PID_FILE } from "../core/config.ts";
import { fail } from "../errors.ts";
import { GATEWAY_LIMITS as L } from "../limits.ts";

export interface HaproxyProcess {
  /** The master's pid while it runs. A look of microseconds, at files that are in memory. */
  pid(): number | undefined;
  /** Says what is wrong with the configuration file, if anything. @throws GridError gateway.config_refused */
  check(): Promise<void>;
  start(): Promise<void>;
  /** Seamless: the new worker takes over the listening sockets, the old one ends what it serves. */
  reload(): Promise<void>;
  /** At once, with everything that it serves. */
  kill(): Promise<void>;
}

interface Options {
  readonly dataDir: string;
  readonly netns: string | undefined;
  readonly haproxyPath: string;
  readonly clock: Clock;
}

/**
 * HAProxy opens connections in the private networks' namespaces (setns: CAP_SYS_ADMIN) and binds ports below 1024. It keeps
 * these two capabilities of root's and no others, so that it can neither change the machine's networks nor read others' files.
 */
const CAPABILITIES = "-all,+sys_admin,+net_bind_service";

function commandLine(options: Options, args: readonly string[]): readonly [string, readonly string[]] {
  const enter = options.netns === undefined ? [] : ["nsenter", `--net=/run/netns/${options.netns}`];
  const drop =
    process.getuid?.() === 0 ? ["setpriv", "--no-new-privs", `--inh-caps=${CAPABILITIES}`, `--bounding-set=${CAPABILITIES}`] : [];
  const [program = "", ...rest] = [...enter, ...drop, options.haproxyPath, ...args];
  return [program, rest];
}

interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

function run([program, args]: readonly [string, readonly string[]]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: L.startTimeoutMs, maxBuffer: 1024 * 1024 }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`
        .split("\n")
        .filter((line) => /ALERT|No such file|not found/.test(line))
        .join("; ");
      resolve({ ok: error === null, output: output === "" ? (error?.message ?? "") : output });
    });
  });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // HAProxy has not written it yet, or never ran here
  }
}

/** A zombie is dead: nobody may be there to collect it. */
function isOurs(pid: number, dataDir: string): boolean {
  try {
    const [commandLine, status] = [readFileSync(`/proc/${pid}/cmdline`, "utf8"), readFileSync(`/proc/${pid}/stat`, "utf8")];
    const state = status.slice(status.lastIndexOf(")") + 2, status.lastIndexOf(")") + 3);
    return state !== "Z" && commandLine.split("\0").includes(dataDir);
  } catch {
    return false;
  }
}

export function haproxyProcess(options: Options): HaproxyProcess {
  const { dataDir, clock } = options;
  const pid = (): number | undefined => {
    const value = Number(textOf(join(dataDir, PID_FILE)).trim().split("\n")[0]);
    return Number.isInteger(value) && value > 1 && isOurs(value, dataDir) ? value : undefined;
  };
  const common = ["-W", "-C", dataDir, "-f", CONFIG_FILE];
  return {
    pid,
    check: async () => {
      const { ok, output } = await run(commandLine(options, ["-c", ...common]));
      if (ok) return;
      if (output.includes("No such file") || output.includes("ENOENT")) {
        const found = await run([options.haproxyPath, ["-v"]]);
        if (!found.ok) throw fail("gateway.haproxy_missing", { message: output });
      }
      throw fail("gateway.config_refused", { message: `HAProxy refused the configuration: ${output}` });
    },
    start: async () => {
      const { ok, output } = await run(commandLine(options, ["-D", ...common, "-p", join(dataDir, PID_FILE)]));
      if (!ok) throw fail("gateway.start_failed", { message: `HAProxy did not start: ${output}` });
    },
    reload: async () => {
      const master = pid();
      if (master === undefined) throw fail("gateway.socket_failed", { message: "HAProxy ended before it could be reloaded." });
      process.kill(master, "SIGUSR2");
    },
    kill: async () => {
      const deadline = clock.nowMs() + L.endTimeoutMs;
      for (let master = pid(); master !== undefined; master = pid()) {
        try {
          process.kill(master, clock.nowMs() < deadline ? "SIGTERM" : "SIGKILL");
        } catch (error) {
          // It ended between the look and the signal: that is what was wanted.
          if (!messageOf(error).includes("ESRCH")) throw error;
        }
        await clock.sleep(20);
      }
    },
  };
}
