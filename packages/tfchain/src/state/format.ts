/** The storage says in which format it is, so that a release never reads what it does not understand. */
import { stateErrors } from "./errors.ts";
import type { Storage } from "./storage.ts";

/** Of tables, keys and rows. Grows with every change that an older release cannot read, or this one not of an older. */
export const STORAGE_FORMAT = 5;
const FORMAT_KEY = "format";

/** An empty storage gets this release's format. @throws GridError chain.format_unknown */
export function claimFormat(storage: Storage): void {
  const kept = storage.get("meta", FORMAT_KEY);
  if (kept === undefined && isEmpty(storage)) {
    storage.write([{ table: "meta", key: FORMAT_KEY, value: Buffer.from(String(STORAGE_FORMAT)) }]);
    return;
  }
  const found = kept === undefined ? "none" : Buffer.from(kept).toString("latin1", 0, 32);
  if (found === String(STORAGE_FORMAT)) return;
  throw stateErrors.fail("chain.format_unknown", {
    message: `The data folder has format ${found === "none" ? "1 (or is not a chain's)" : found}, this release reads and writes format ${STORAGE_FORMAT}.`,
    details: { found, known: STORAGE_FORMAT },
  });
}

function isEmpty(storage: Storage): boolean {
  for (const _ of storage.range("meta", { gte: "\0", lt: "\x7f", limit: 1 })) return false;
  return true;
}
