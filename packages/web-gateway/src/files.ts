import { readFile, rename, writeFile } from "node:fs/promises";

/** Whole or not at all, also after kill -9. */
export async function writeAtomic(path: string, text: string, mode = 0o644): Promise<void> {
  const temporary = `${path}.new`;
  await writeFile(temporary, text, { mode });
  await rename(temporary, path);
}

/** Spares the disk when nothing changed. */
export async function writeWhenChanged(path: string, text: string): Promise<void> {
  const now = await readFile(path, "utf8").catch(() => undefined);
  if (now !== text) await writeAtomic(path, text);
}
