/** Commands that bring HAProxy's servers to their desired addresses and states. Pure. */
import type { ServerState } from "./answers.ts";
import type { Section } from "./desired.ts";

/** Where a spare place points: nothing is ever sent there, it is in maintenance. RFC 5737 documentation address. */
export const SPARE_ADDRESS = "192.0.2.1";
export const SPARE_PORT = 9;

export function serverCommands(sections: readonly Section[], actual: ReadonlyMap<string, ServerState>): string[] {
  const commands: string[] = [];
  for (const { name, slots } of sections) {
    for (const { name: slot, backend } of slots) {
      const server = `${name}/${slot}`;
      const now = actual.get(server);
      if (now === undefined) continue;
      if (backend === undefined) {
        if (!now.maintenance) commands.push(`set server ${server} state maint`);
        continue;
      }
      const moved = now.address !== backend.address || now.port !== backend.port;
      // First out, then elsewhere: otherwise requests would reach the new address before it is checked, or the old one under a new name.
      if (moved && !now.maintenance) commands.push(`set server ${server} state maint`);
      if (moved) commands.push(`set server ${server} addr ${backend.address} port ${backend.port}`);
      if (!moved && !now.maintenance) continue;
      // Without the second command it would wait for its first check, and a route whose replicas all change at once would answer
      // 503 until then. Who gave us the replica found it healthy; our own checks take it out again if it is not.
      commands.push(`set server ${server} state ready`, `set server ${server} health up`);
    }
  }
  return commands;
}
