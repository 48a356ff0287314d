/** cometbft as a child process: started after our socket listens, ended with us, and never two of them on one home. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Logger, systemClock } from "@tfgrid/primitives";
import { COMET_LIMITS } from "../../limits.ts";
import { cometErrors } from "./errors.ts";
import type { RpcAddress } from "./rpc.ts";
import type { AbciAddress } from "./server.ts";

export interface CometProcessOptions {
  readonly binary: string;
  readonly home: string;
  readonly abci: AbciAddress;
  readonly rpc: RpcAddress;
  readonly logger: Logger;
  /** It ended without being asked to. */
  readonly onExit: (error: Error) => void;
}

export interface CometProcess {
  readonly pid: number;
  stop(): Promise<void>;
}

const PID_FILE = "cometbft.pid";
/** Lines of its log that an error quotes. */
const LAST_LINES = 12;
const POLL_MS = 50;
/** What cometbft logs when its consensus panics. */
const CONSENSUS_FAILURE = "CONSENSUS FAILURE";

const url = (address: AbciAddress | RpcAddress): string => (address.kind === "unix" ? `unix://${address.path}` : `tcp://${address.host}:${address.port}`);

/** Waits for, and at last ends, what a killed chain left behind. Call it before the ABCI socket listens, or the old one would connect to it. */
export async function endLeftover(home: string, logger: Logger): Promise<void> {
  const pid = leftover(home);
  if (pid === undefined) return;
  logger.info("waiting for the cometbft of a chain that was killed to end", { pid });
  const deadline = performance.now() + COMET_LIMITS.stopTimeoutMs;
  while (leftover(home) === pid) {
    if (performance.now() > deadline) process.kill(pid, "SIGKILL");
    await systemClock.sleep(POLL_MS);
  }
}

/** Its process id, when it still runs and really is a cometbft on this home. */
function leftover(home: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(home, PID_FILE), "utf8"));
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return command.includes(home) && command.includes("--proxy_app") ? pid : undefined;
  } catch {
    // No such file, or no such process.
    return undefined;
  }
}

/** @throws GridError cometbft.ended */
export async function startCometProcess(options: CometProcessOptions): Promise<CometProcess> {
  const { binary, home, abci, rpc, logger, onExit } = options;
  if (rpc.kind === "unix") rmSync(rpc.path, { force: true });
  const args = ["start", "--home", home, "--proxy_app", url(abci), "--rpc.laddr", url(rpc)];
  const child = spawn(binary, args, { cwd: home, stdio: ["ignore", "pipe", "pipe"] });
  let stopping = false;
  // Its consensus has stopped for good while the program lives on: nobody would notice but those who wait for blocks.
  const onLine = (line: string): void => {
    if (!stopping && line.includes(CONSENSUS_FAILURE)) onExit(cometErrors.fail("cometbft.consensus_failed", { message: `cometbft cannot go on: ${line.slice(0, 800)}` }));
  };
  const last = keepLog(child, logger, onLine);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`ended with ${code ?? signal}`));
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(cometErrors.fail("cometbft.ended", { message: `${binary} cannot be started: ${cause.message}`, cause })));
  });
  const pid = child.pid as number;
  writeFileSync(join(home, PID_FILE), String(pid));
  const watch = async (): Promise<void> => {
    const how = await ended;
    if (!stopping) onExit(cometErrors.fail("cometbft.ended", { message: `cometbft ${how}: ${last().join(" | ") || "it said nothing"}` }));
  };
  void watch();
  return {
    pid,
    stop: async () => {
      stopping = true;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), COMET_LIMITS.stopTimeoutMs);
      await ended;
      clearTimeout(timer);
      rmSync(join(home, PID_FILE), { force: true });
    },
  };
}

/** Its words go to our log at level debug; the last ones are kept for the error that its end becomes. */
function keepLog(child: ChildProcess, logger: Logger, onLine: (line: string) => void): () => readonly string[] {
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = (lines.pop() ?? "").slice(-4_096);
      for (const line of lines.filter((entry) => entry.trim() !== "")) {
        logger.debug("cometbft", { line });
        last.push(line.slice(0, 400));
        onLine(line);
      }
      last.splice(0, Math.max(0, last.length - LAST_LINES));
    });
  }
  return () => last;
}
