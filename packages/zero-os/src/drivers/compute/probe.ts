/** Health tests, run where the zmachine is: a test that would pass from outside only proves nothing. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import type { ZmachineSpec } from "@tfgrid/notary";
import { messageOf } from "@tfgrid/primitives";
import type { RunResult } from "./exec.ts";
import { errnoOf, readIfExists } from "./files.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";
import type { Prober } from "./prober.ts";
import { runRuntime, type RuntimePaths } from "./supervisor.ts";

export type HealthTest = NonNullable<ZmachineSpec["healthcheck"]>["test"];
export interface ProbeResult {
  readonly healthy: boolean;
  readonly output: string;
}

export interface ProbeTarget {
  readonly id: string;
  readonly bundle: string;
  readonly netnsPath: string;
  readonly address: string;
  readonly paths: RuntimePaths;
  readonly prober: Prober;
}

export async function runProbe(target: ProbeTarget, test: HealthTest, timeoutMs: number): Promise<ProbeResult> {
  try {
    if (test.type === "exec") return await probeExec(target, test.argv, timeoutMs);
    if (test.type === "tcp") return await probeSocket(target, { port: test.port, request: "", timeoutMs });
    const request = `GET ${test.path} HTTP/1.1\r\nHost: ${target.address}:${test.port}\r\nUser-Agent: health-test\r\nConnection: close\r\n\r\n`;
    return await probeSocket(target, { port: test.port, request, timeoutMs });
  } catch (error) {
    return { healthy: false, output: messageOf(error) };
  }
}

async function probeExec(target: ProbeTarget, argv: readonly string[], timeoutMs: number): Promise<ProbeResult> {
  const pidFile = `${target.bundle}/probe-${randomUUID()}.pid`;
  try {
    const result = await runRuntime(target.paths, ["exec", "--pid-file", pidFile, target.id, ...argv], { timeoutMs });
    // Killing the runtime does not reach the process that it put into the zmachine.
    if (result.timedOut) killProbe(Number((await readIfExists(pidFile))?.trim()));
    return { healthy: result.code === 0, output: outputOf(result, timeoutMs) };
  } finally {
    await rm(pidFile, { force: true });
  }
}

function killProbe(pid: number): void {
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (errnoOf(error) !== "ESRCH") throw error;
  }
}

async function probeSocket(target: ProbeTarget, options: { port: number; request: string; timeoutMs: number }): Promise<ProbeResult> {
  const where = `${target.address}:${options.port}`;
  const result = await target.prober.connect({ ...options, netnsPath: target.netnsPath, address: target.address });
  if (!result.ok) return { healthy: false, output: `${where}: ${result.reason}` };
  if (options.request === "") return { healthy: true, output: `connected to ${where}` };
  const status = /^HTTP\/1\.[01] (\d{3})[^\r\n]*/.exec(result.data);
  if (status === null) return { healthy: false, output: `no HTTP answer from ${where}` };
  return { healthy: Number(status[1]) >= 200 && Number(status[1]) <= 399, output: status[0] };
}

function outputOf(result: RunResult, timeoutMs: number): string {
  const text = `${result.stdout}${result.stderr}`.trim().slice(-L.probeOutputBytes);
  return result.timedOut ? `no answer within ${timeoutMs} ms${text === "" ? "" : `: ${text}`}` : text;
}
