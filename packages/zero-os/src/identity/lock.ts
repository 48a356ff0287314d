/** One agent per data folder. A lock of a process that is gone (kill -9, power cut) is no lock. */
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { nodeErrors } from "../errors.ts";
import { readIfPresent, writeDurably } from "./files.ts";

/** Pids are used again; pid and start time together are not. Field 22 of /proc/PID/stat, after the name in brackets. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    // No such process.
    return undefined;
  }
}

/** @throws GridError node.data_dir_in_use */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  const path = join(dataDir, "agent.lock");
  const [pid, ticks] = ((await readIfPresent(path)) ?? "").trim().split(" ");
  const holder = Number(pid);
  if (Number.isSafeInteger(holder) && holder > 0 && ticks !== undefined && startTicks(holder) === ticks && holder !== process.pid) {
    throw nodeErrors.fail("node.data_dir_in_use", { details: { pid: holder, file: path } });
  }
  await writeDurably(path, `${process.pid} ${startTicks(process.pid) ?? "0"}\n`);
  return () => rm(path, { force: true });
}
