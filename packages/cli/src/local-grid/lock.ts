/** One supervisor per state folder: a pid file that a reused pid cannot fake. */
import { type Clock, systemClock } from "@tfgrid/primitives";
import { cliErrors } from "../errors.ts";
import type { GridLayout } from "./layout.ts";
import { readJson, removeFile, writeJson } from "./state-files.ts";
import { startTicks } from "./supervisor.ts";

interface LockFile {
  readonly pid: number;
  readonly startTicks: string;
}

export function runningSupervisor(layout: GridLayout): number | undefined {
  const lock = readJson(layout.files.supervisorPid) as LockFile | undefined;
  return lock !== undefined && startTicks(lock.pid) === lock.startTicks ? lock.pid : undefined;
}

/** @throws GridError cli.already_running */
export function takeLock(layout: GridLayout): void {
  const pid = runningSupervisor(layout);
  if (pid !== undefined && pid !== process.pid) throw cliErrors.fail("cli.already_running", { message: `A local grid already runs on ${layout.stateDir} (process ${pid}).`, details: { pid } });
  writeJson(layout.files.supervisorPid, { pid: process.pid, startTicks: startTicks(process.pid) ?? "" });
}

export function releaseLock(layout: GridLayout): void {
  removeFile(layout.files.supervisorPid);
}

/** Stopping a grid with many zmachines takes some seconds each; this is the patience for all of it. */
const STOP_TIMEOUT_MS = 90_000;

/** Asks the supervisor to end and waits until it has. @throws GridError cli.timeout */
export async function stopSupervisor(pid: number, clock: Clock = systemClock): Promise<void> {
  const ticks = startTicks(pid);
  process.kill(pid, "SIGTERM");
  const deadlineMs = clock.nowMs() + STOP_TIMEOUT_MS;
  while (startTicks(pid) === ticks) {
    if (clock.nowMs() > deadlineMs) throw cliErrors.fail("cli.timeout", { message: `The grid (process ${pid}) did not end within ${STOP_TIMEOUT_MS / 1000} s.`, details: { pid } });
    await clock.sleep(100);
  }
}
