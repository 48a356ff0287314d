/** Where snapshots lie: a folder each, named by its height. Behind a port, so that a failing disk can be tried out at every step. */
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";

export interface SnapshotFiles {
  /** Names of the folders. */
  list(): readonly string[];
  create(folder: string): void;
  /** When it resolves, the bytes are on the disk. */
  write(folder: string, file: string, bytes: Uint8Array): Promise<void>;
  read(folder: string, file: string): Uint8Array;
  /** Atomic, and on the disk when it resolves: a busy disk takes its time for that, and nobody else should wait. */
  rename(from: string, to: string): Promise<void>;
  remove(folder: string): void;
}

export function snapshotFiles(root: string): SnapshotFiles {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const at = (...names: readonly string[]): string => join(root, ...names);
  return {
    list: () => readdirSync(root),
    create: (folder) => mkdirSync(at(folder), { mode: 0o700 }),
    write: async (folder, file, bytes) => {
      const handle = await open(at(folder, file), "wx", 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.datasync();
      } finally {
        await handle.close();
      }
    },
    read: (folder, file) => readFileSync(at(folder, file)),
    rename: async (from, to) => {
      await syncFolder(at(from));
      await rename(at(from), at(to));
      await syncFolder(root);
    },
    remove: (folder) => rmSync(at(folder), { recursive: true, force: true }),
  };
}

/** The names in a folder are on the disk only when the folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
