import { readFile } from "node:fs/promises";
import { type Infer, messageOf, s } from "@tfgrid/primitives";
import { chainAccess } from "@tfgrid/tfchain";
import { fail } from "./errors.ts";
import { publicGrid } from "./grid.ts";

export const explorerConfig = s.struct({
  chain: chainAccess,
  dataDir: s.text({ minLength: 1, maxLength: 4096 }),
  host: s.text({ minLength: 1, maxLength: 255 }),
  port: s.uint({ max: 65_535 }),
  /** The dashboard's built files. */
  staticDir: s.optional(s.text({ minLength: 1, maxLength: 4096 })),
  /** Published at /grid for the page; absent: the page only shows. */
  grid: s.optional(publicGrid),
  logLevel: s.optional(s.oneOf(["debug", "info", "warn", "error"])),
});
export type ExplorerConfig = Infer<typeof explorerConfig>;

export async function readConfig(path: string): Promise<ExplorerConfig> {
  try {
    return explorerConfig.fromJson(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw fail("explorer.invalid_config", { message: `${path}: ${messageOf(cause)}`, cause });
  }
}
