/** The kernel's list of mounts is the only record of what is mounted: nothing to get out of step with after a crash. */
import { readFile } from "node:fs/promises";
import { run, systemFailure } from "./exec.ts";
import { fail } from "./errors.ts";

export interface MountEntry {
  readonly path: string;
  readonly type: string;
  readonly source: string;
  readonly superOptions: string;
}

/** See proc(5), /proc/[pid]/mountinfo: six fields, optional fields, a dash, three fields; octal escapes in paths. */
export function parseMountInfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split("\n")) {
    const [before, after] = line.split(" - ", 2);
    const path = before?.split(" ")[4];
    const [type, source, superOptions] = after?.split(" ") ?? [];
    if (path === undefined || type === undefined || source === undefined) continue;
    entries.push({ path: unescape(path), type, source: unescape(source), superOptions: superOptions ?? "" });
  }
  return entries;
}

function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));
}

export async function listMounts(): Promise<MountEntry[]> {
  return parseMountInfo(await readFile("/proc/self/mountinfo", "utf8"));
}

export async function isMounted(path: string): Promise<boolean> {
  return (await listMounts()).some((entry) => entry.path === path);
}

/** Unmounts everything at or below `folder`, last mounted first. Loop devices free themselves (autoclear). */
export async function unmountBelow(folder: string): Promise<void> {
  const paths = (await listMounts()).map((entry) => entry.path).filter((path) => path === folder || path.startsWith(`${folder}/`));
  if (paths.length === 0) return;
  const result = await run("umount", ["--", ...paths.toReversed()]);
  if (result.code === 0) return;
  // Busy for a moment after a kill: detach now, the kernel finishes when the last user is gone.
  for (const path of paths.toReversed()) {
    if (!(await isMounted(path))) continue;
    const lazy = await run("umount", ["--lazy", "--", path]);
    if (lazy.code !== 0 && (await isMounted(path))) {
      throw fail("compute.cleanup_failed", { message: `Could not unmount ${path}: ${lazy.stderr.trim()}`, details: { path } });
    }
  }
}

/** `mount -o loop` sets autoclear: unmounting, also by a reboot or a crash, frees the loop device. */
export async function mountLoop(image: string, target: string, options: readonly string[]): Promise<void> {
  const result = await run("mount", ["-t", "ext4", "-o", ["loop", ...options].join(","), "--", image, target]);
  if (result.code !== 0) throw systemFailure("mount", result);
}
