/** When the machine was switched on: uptime counts from there, not from the start of the agent. */
import { join } from "node:path";
import { type Clock, s } from "@tfgrid/primitives";
import { readIfPresent, writeDurably } from "./files.ts";

const marker = s.struct({ bootId: s.text({ maxLength: 64 }), startedAtMs: s.uint() });

export async function readBootMs(options: { readonly dataDir: string; readonly clock: Clock; readonly bootId: string }): Promise<number> {
  const path = join(options.dataDir, "boot.json");
  const known = parse(await readIfPresent(path));
  if (known?.bootId === options.bootId) return known.startedAtMs;
  const startedAtMs = options.clock.nowMs();
  await writeDurably(path, JSON.stringify({ bootId: options.bootId, startedAtMs }));
  return startedAtMs;
}

export const BOOT_MARKER_FILE = "boot.json";

function parse(text: string | undefined): { readonly bootId: string; readonly startedAtMs: number } | undefined {
  if (text === undefined) return undefined;
  try {
    return marker.fromJson(JSON.parse(text));
  } catch {
    // A damaged marker only costs uptime: it is written anew.
    return undefined;
  }
}
