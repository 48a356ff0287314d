/** Files that survive a crash: written whole, flushed, and moved into place. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { cliErrors } from "../errors.ts";

export function writeFileDurably(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, "w", mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

export function writeJson(path: string, value: unknown, mode = 0o644): void {
  writeFileDurably(path, `${JSON.stringify(value, (_key, entry: unknown) => (typeof entry === "bigint" ? entry.toString() : entry), 2)}\n`, mode);
}

/** @throws GridError cli.damaged_state */
export function readJson(path: string): unknown {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as unknown;
  } catch (cause) {
    throw cliErrors.fail("cli.damaged_state", { message: `${path} is not readable JSON.`, details: { path }, cause });
  }
}

export function removeFile(path: string): void {
  rmSync(path, { force: true });
}
