/** The source files of the rooms, as text. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** In the order of the arrows in docs/architecture.md. */
export const ROOMS = ["primitives", "tfchain", "notary", "messaging", "sdk", "peer-network", "web-gateway", "zero-os", "it-contract", "explorer", "dashboard", "cli"] as const;
export type Room = (typeof ROOMS)[number];

export interface Source {
  readonly room: Room;
  /** Inside the repository: `packages/notary/src/limits.ts`. */
  readonly path: string;
  readonly text: string;
}

let read: readonly Source[] | undefined;

/** Every TypeScript file below `packages/ROOM/src`, in a stable order. */
export function sources(): readonly Source[] {
  return (read ??= ROOMS.flatMap((room) =>
    readdirSync(join(root, "packages", room, "src"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => ({ room, path: relative(root, file), text: readFileSync(file, "utf8") })),
  ));
}

/** A table cell must not end its row. */
export const cell = (text: string): string => text.replaceAll("|", "\\|").replace(/\s*\n\s*/g, " ");
