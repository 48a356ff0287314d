import { appendFileSync } from "node:fs";
import { type Logger, jsonLogger } from "@tfgrid/primitives";

/** JSON lines appended to a file. */
export function appendLogger(path: string): Logger {
  return jsonLogger({ write: (line) => appendFileSync(path, line) });
}
