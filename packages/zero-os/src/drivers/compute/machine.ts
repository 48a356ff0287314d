/** What this machine offers for running zmachines; found out once, when the driver is made. */
import { access, constants, readFile } from "node:fs/promises";
import { detectCgroups, type CgroupLayout } from "./cgroups.ts";
import { fail } from "./errors.ts";
import { canShiftOwners } from "./idmap.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";

export interface MachineFacts {
  readonly runtimeName: "crun" | "runc";
  readonly runtimePath: string;
  readonly cgroups: CgroupLayout;
  /** Mounts can move owners: every contract has ids of its own. */
  readonly shiftsOwners: boolean;
  /** Open files per process: at most what this machine lets the agent have, which no user namespace can raise. */
  readonly openFiles: number;
}

const FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

export async function detectMachine(options: { readonly dataDir: string; readonly firstHostId: number }): Promise<MachineFacts> {
  const cgroups = await detectCgroups();
  for (const program of ["conmon", "skopeo", "umoci", "mkfs.ext4", "nsenter", "perl", "socat"]) {
    if ((await find(program)) === undefined) throw missing(program);
  }
  // crun refuses hybrid machines while a controller is left in the v2 tree; the machine's layout is not ours to change.
  const order = cgroups.strayControllers.length === 0 ? (["crun", "runc"] as const) : (["runc"] as const);
  for (const runtimeName of order) {
    const runtimePath = await find(runtimeName);
    if (runtimePath === undefined) continue;
    const shiftsOwners = await canShiftOwners(options.dataDir, options.firstHostId);
    return { runtimeName, runtimePath, cgroups, shiftsOwners, openFiles: await openFilesLimit() };
  }
  throw missing(order.join(" or "));
}

async function openFilesLimit(): Promise<number> {
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(await readFile("/proc/self/limits", "utf8"))?.[1];
  return Math.min(L.openFiles, hard === undefined ? L.openFiles : Number(hard));
}

async function find(program: string): Promise<string | undefined> {
  for (const folder of FOLDERS) {
    const path = `${folder}/${program}`;
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder: the next one may have it.
    }
  }
  return undefined;
}

function missing(program: string): Error {
  return fail("compute.tool_missing", { message: `The program ${program} is not installed on this 3Node.`, details: { program } });
}
