/** Memory and processor time of the processes of one grid, read from /proc. */
import { readFileSync, readdirSync } from "node:fs";

export interface ProcessUse {
  readonly pid: number;
  readonly command: string;
  /** Proportional set size: shared pages are counted once over all processes. */
  readonly pssBytes: number;
  readonly rssBytes: number;
  readonly cpuMs: number;
}

const CLOCK_TICK_MS = 10; // USER_HZ is 100 on every Linux that Node runs on (getconf CLK_TCK)

export function processesMatching(...needles: readonly string[]): readonly ProcessUse[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        const cgroup = readFileSync(`/proc/${name}/cgroup`, "utf8");
        if (!needles.some((needle) => command.includes(needle) || cgroup.includes(needle))) return [];
        return [{ pid: Number(name), command, ...memoryOf(name), cpuMs: cpuMsOf(name) }];
      } catch {
        return []; // it ended while we looked
      }
    });
}

function memoryOf(pid: string): { pssBytes: number; rssBytes: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1] ?? 0) * 1024;
  return { pssBytes: kib("Pss"), rssBytes: kib("Rss") };
}

/** `RssAnon`: memory that is the process's own. `VmRSS`: with pages of files that it has mapped, which are the kernel's to take back. */
export const statusBytes = (pid: number, field: "RssAnon" | "VmRSS"): number =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024;

function cpuMsOf(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime, stime, and those of programs that it started and that ended since.
  return fields.slice(11, 15).reduce((ticks, field) => ticks + Number(field), 0) * CLOCK_TICK_MS;
}
