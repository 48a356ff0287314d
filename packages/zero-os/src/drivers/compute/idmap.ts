import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { ContractId } from "@tfgrid/primitives";
import { run, systemFailure } from "./exec.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";
import { unmountBelow } from "./mounts.ts";

export interface IdRangeOptions {
  /** First host uid and gid. */
  readonly first: number;
  /** How many ranges of 65,536 ids. Nodes that share a machine get ranges that do not overlap. */
  readonly ranges: number;
}

export const DEFAULT_ID_RANGE: IdRangeOptions = { first: L.firstHostId, ranges: L.idRanges };

/**
 * Host id of a zmachine's root. Tenants differ, so that a break-out of one has no rights on another's files. Derived from
 * the contract's number alone: the same after a crash, and nothing to keep.
 */
export function hostIdBase(contractId: ContractId, range: IdRangeOptions, perContract: boolean): number {
  return range.first + (perContract ? contractId % range.ranges : 0) * L.idsPerRange;
}

const SCRIPT = fileURLToPath(new URL("idmap-mount.pl", import.meta.url));
const UNSHARE_CALL: Readonly<Record<string, number>> = { x64: 272, arm64: 97, riscv64: 97 };

/** Read-only view of `source` at `target` with all owners moved by `base`. */
export async function mountShifted(source: string, target: string, base: number): Promise<void> {
  const result = await run("perl", shiftArguments(source, target, base));
  if (result.code !== 0) throw systemFailure("perl", result);
}

/** `folder` lies on the file system in question: not every one can do it. Mounts with moved owners need Linux 5.19 to lie under an overlay; older kernels get images unpacked with moved owners. */
export async function canShiftOwners(folder: string, base: number): Promise<boolean> {
  if (UNSHARE_CALL[process.arch] === undefined) return false;
  await mkdir(folder, { recursive: true });
  const trial = await mkdtemp(`${folder}/idmap-trial-`);
  try {
    for (const name of ["source", "shifted", "other", "merged"]) await mkdir(`${trial}/${name}`);
    if ((await run("perl", shiftArguments(`${trial}/source`, `${trial}/shifted`, base))).code !== 0) return false;
    const options = `lowerdir=${trial}/shifted:${trial}/other`;
    return (await run("mount", ["-t", "overlay", "-o", options, "overlay", `${trial}/merged`])).code === 0;
  } finally {
    await unmountBelow(trial);
    await rm(trial, { recursive: true, force: true });
  }
}

function shiftArguments(source: string, target: string, base: number): string[] {
  return [SCRIPT, source, target, String(base), String(L.idsPerRange), String(UNSHARE_CALL[process.arch] ?? -1)];
}
