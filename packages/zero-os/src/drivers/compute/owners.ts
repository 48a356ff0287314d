/** Whether tenants' files are kept apart by ids of their own: found out once for a data folder, and kept as long as that lives. */
import { join } from "node:path";
import { s } from "@tfgrid/primitives";
import { readIfPresent, writeDurably } from "../../identity/files.ts";
import { fail } from "./errors.ts";

const choice = s.struct({ idsPerContract: s.bool });

/**
 * `able`: what this machine can do today. A newer kernel that could do more changes nothing: the owners of what lies on the
 * volumes stay as they are, and an older one that can do less must not give a tenant files that it cannot open.
 * @throws GridError compute.owners_lost
 */
export async function idsPerContract(options: { readonly dataDir: string; readonly able: boolean }): Promise<boolean> {
  const path = join(options.dataDir, "owners.json");
  const text = await readIfPresent(path);
  if (text === undefined) {
    await writeDurably(path, JSON.stringify(choice.toJson({ idsPerContract: options.able })));
    return options.able;
  }
  const kept = choice.fromJson(JSON.parse(text)).idsPerContract;
  if (kept && !options.able) throw fail("compute.owners_lost", { details: { dataDir: options.dataDir } });
  return kept;
}
