/**
 * What LMDB does not check for itself: it maps whatever file it is given, and dies on one that is not its own. And what its
 * errors mean: a full disk often comes as an input/output error, since a short write is all that it sees.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { type GridError, messageOf } from "@tfgrid/primitives";
import { stateErrors } from "./errors.ts";

/** `mdb.c` of lmdb 3.x: a page header of 24 bytes, then `MDB_meta` with these fields, in the machine's byte order (little). */
const META = { magicAt: 24, versionAt: 28, pageSizeAt: 48, bytes: 168 } as const;
const MAGIC = 0xbe_ef_c0_de;
const DATA_VERSION = 2;

/** Nothing happens when there is no file, or an empty one: LMDB begins it. @throws GridError chain.format_unknown */
export function requireLmdbFile(file: string): void {
  if (!existsSync(file)) return;
  const descriptor = openSync(file, "r");
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw unknownFile(file, "is not a file");
    if (stat.size === 0) return;
    const pageSize = requireMeta({ descriptor, file, at: 0 });
    if (stat.size < 2 * pageSize) throw unknownFile(file, "ends too early");
    requireMeta({ descriptor, file, at: pageSize });
  } finally {
    closeSync(descriptor);
  }
}

/** The page size that a meta page names. */
function requireMeta({ descriptor, file, at }: { readonly descriptor: number; readonly file: string; readonly at: number }): number {
  const page = Buffer.alloc(META.bytes);
  if (readSync(descriptor, page, 0, META.bytes, at) < META.bytes) throw unknownFile(file, "ends too early");
  if (page.readUInt32LE(META.magicAt) !== MAGIC) throw unknownFile(file, "is not an LMDB file, or damaged");
  const version = page.readUInt32LE(META.versionAt);
  if (version !== DATA_VERSION) throw unknownFile(file, `has LMDB's data version ${version}, not ${DATA_VERSION}`);
  const pageSize = page.readUInt32LE(META.pageSizeAt);
  if (pageSize < 256 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) throw unknownFile(file, `has pages of ${pageSize} bytes`);
  return pageSize;
}

export const unknownFile = (file: string, what: string): GridError =>
  stateErrors.fail("chain.format_unknown", { message: `${file} ${what}: it was not written by this release.`, details: { file } });

/** LMDB passes on Linux's numbers, Node their names. */
const NO_SPACE: readonly unknown[] = [28, "ENOSPC", 122, "EDQUOT"];
const IO_ERROR = 5;
/** Bytes. With less than this beside what was to be written, a short write means a full disk. */
const SPARE_BYTES = 1024 * 1024;

/** What a failed open or write of `bytes` means. */
export function storageError(cause: unknown, options: { readonly file: string; readonly bytes: number }): GridError {
  const { file, bytes } = options;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  const freeBytes = freeSpace(dirname(file));
  const details = { file, freeBytes: freeBytes ?? null, neededBytes: bytes };
  // A copy-on-write tree writes whole pages, also above what was changed: twice the bytes is a fair guess.
  const short = code === IO_ERROR && freeBytes !== undefined && freeBytes < 2 * bytes + SPARE_BYTES;
  if (NO_SPACE.includes(code) || short) {
    return stateErrors.fail("chain.disk_full", { message: `${file} cannot grow: ${freeBytes ?? "unknown"} bytes are free.`, details, cause });
  }
  return stateErrors.fail("chain.storage_failed", { message: `${file}: ${messageOf(cause)}.`, details, cause });
}

/** undefined: the disk does not even say that. */
function freeSpace(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
