/** Small file helpers that make a crash at any byte harmless. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Readers see the old or the new contents, never a part. Not synced: whoever reads after a power cut must check. */
export async function writeAtomic(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
}

export async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** ENOENT, or what /proc and cgroup files say once their subject is gone. */
export function isAbsent(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "ENOENT" || code === "ENODEV" || code === "ESRCH" || code === "ENOTDIR";
}

export function errnoOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** Renamed first: a crash half-way leaves something that is plainly rubbish, not a record that looks whole. */
export async function removeFolder(path: string): Promise<void> {
  const rubbish = `${dirname(path)}/.trash-${path.slice(dirname(path).length + 1)}`;
  await rm(rubbish, { recursive: true, force: true });
  try {
    await rename(path, rubbish);
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  await rm(rubbish, { recursive: true, force: true });
}
