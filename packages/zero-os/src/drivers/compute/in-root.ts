/**
 * Paths inside an image are a stranger's words: `/etc/passwd` may be a symbolic link to the host's. Every part is
 * resolved here as the zmachine would see it, and never leaves the image's root.
 */
import { lstat, readlink, open } from "node:fs/promises";
import { fail } from "./errors.ts";
import { isAbsent } from "./files.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";

/** The host path of `path` inside `root`, or undefined when it does not exist there. */
export async function resolveInRoot(root: string, path: string): Promise<string | undefined> {
  let pending = path.split("/").filter(Boolean);
  let resolved: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const part = pending[0] ?? "";
    pending = pending.slice(1);
    if (part === ".") continue;
    if (part === "..") {
      resolved = resolved.slice(0, -1);
      continue;
    }
    const candidate = [root, ...resolved, part].join("/");
    const status = await statIfExists(candidate);
    if (status === undefined) return undefined;
    if (!status.isSymbolicLink()) {
      resolved.push(part);
      continue;
    }
    links += 1;
    if (links > L.symlinkDepth) throw fail("compute.image_corrupt", { message: `${path} in the image leads round in a circle.` });
    const target = await readlink(candidate);
    if (target.startsWith("/")) resolved = [];
    pending = [...target.split("/").filter(Boolean), ...pending];
  }
  return [root, ...resolved].join("/");
}

/** The text of a small file of the image; undefined when it is not there or not a plain file. */
export async function readInRoot(root: string, path: string): Promise<string | undefined> {
  const found = await resolveInRoot(root, path);
  if (found === undefined || !(await lstat(found)).isFile()) return undefined;
  const file = await open(found, "r");
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(L.accountFileBytes), 0, L.accountFileBytes, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function statIfExists(path: string): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
