/** What this machine offers for running zmachines; found out once, when the driver is made. */
import { access, constants, readFile } from "node:fs/promises";
import { detectCgroups, type CgroupLayout } from "./cgroups.ts";
import { fail } from "./errors.ts";
import { run } from "./exec.ts";
import { canShiftOwners } from "./idmap.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";
import { idsPerContract } from "./owners.ts";

export interface MachineFacts {
  readonly runtimeName: "crun" | "runc";
  /** Program and first arguments that run it. */
  readonly runtimeCommand: readonly [string, ...string[]];
  readonly cgroups: CgroupLayout;
  /** Mounts move owners: every contract has ids of its own. */
  readonly shiftsOwners: boolean;
  /** Open files per process: at most what this machine lets the agent have, which no user namespace can raise. */
  readonly openFiles: number;
}

const FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

export interface MachineOptions {
  readonly dataDir: string;
  readonly firstHostId: number;
  /** False: owners are not moved by mounts even where they could be. */
  readonly shiftedMounts: boolean;
  /** Nothing will be run: what only that needs may be missing. */
  readonly removeOnly: boolean;
}

/** @throws GridError compute.tool_missing, compute.user_namespaces_denied, compute.owners_lost */
export async function detectMachine(options: MachineOptions): Promise<MachineFacts> {
  const cgroups = await detectCgroups();
  for (const program of ["conmon", "skopeo", "umoci", "mkfs.ext4", "nsenter", "perl"]) {
    if ((await find(program)) === undefined) throw missing(program);
  }
  for (const runtimeName of ["crun", "runc"] as const) {
    const path = await find(runtimeName);
    if (path === undefined) continue;
    const shiftsOwners = !options.removeOnly && (await movesOwners(options));
    const runtimeCommand = runtimeName === "crun" ? crunCommand(path, cgroups) : ([path] as const);
    return { runtimeName, runtimeCommand, cgroups, shiftsOwners, openFiles: await openFilesLimit() };
  }
  throw missing("crun");
}

async function movesOwners({ dataDir, firstHostId, shiftedMounts }: MachineOptions): Promise<boolean> {
  await demandUserNamespaces();
  return idsPerContract({ dataDir, able: shiftedMounts && (await canShiftOwners(dataDir, firstHostId)) });
}

/** A node that could not run a single zmachine must not take contracts, and says so before it registers. */
async function demandUserNamespaces(): Promise<void> {
  const result = await run("unshare", ["--user", "--", "true"]);
  if (result.code !== 0) throw fail("compute.user_namespaces_denied", { details: { reason: result.stderr.trim() } });
}

/**
 * crun refuses hybrid machines while a controller is left in the v2 tree. The machine's layout is not ours to change: crun
 * alone runs in a mount namespace where that tree is not to be seen.
 */
function crunCommand(path: string, cgroups: CgroupLayout): readonly [string, ...string[]] {
  const v2 = cgroups.roots.get("unified");
  if (cgroups.strayControllers.length === 0 || v2 === undefined) return [path];
  return ["/usr/bin/unshare", "--mount", "--", "/bin/sh", "-c", 'umount "$0" && exec "$@"', v2, path];
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
