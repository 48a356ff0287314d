import { writeFileSync } from "node:fs";
import type { JsonValue } from "@tfgrid/primitives";

/** A row of a list in a line of its own, so that a change shows as what it is. */
export function writeVectors(name: string, value: { readonly [key: string]: JsonValue }): void {
  const parts = Object.entries(value).map(([key, entry]) => {
    if (!Array.isArray(entry)) return `  ${JSON.stringify(key)}: ${JSON.stringify(entry)}`;
    return `  ${JSON.stringify(key)}: [\n${(entry as readonly JsonValue[]).map((row) => `    ${JSON.stringify(row)}`).join(",\n")}\n  ]`;
  });
  writeFileSync(new URL(`../../vectors/${name}`, import.meta.url), `{\n${parts.join(",\n")}\n}\n`);
}
