/** Who this node is on the ledger, remembered for a start without it. */
import { join } from "node:path";
import { type Logger, s } from "@tfgrid/primitives";
import { chain } from "@tfgrid/tfchain";
import { nodeErrors } from "../errors.ts";
import { readIfPresent, writeDurably } from "../identity/files.ts";
import type { Registration } from "../registration/register.ts";

export interface NodeStore {
  load(): Promise<Registration | undefined>;
  save(registration: Registration): Promise<void>;
}

const record = s.struct({ nodeId: chain.nodeId, twinId: chain.twinId, farmId: chain.farmId });

export function fileNodeStore(options: { readonly dataDir: string; readonly logger: Logger }): NodeStore {
  const path = join(options.dataDir, "node.json");
  return {
    load: async () => {
      const text = await readIfPresent(path);
      if (text === undefined) return undefined;
      try {
        return record.fromJson(JSON.parse(text));
      } catch (cause) {
        options.logger.error("state file skipped", { file: "node.json", error: nodeErrors.fail("node.state_corrupt", { cause }) });
        return undefined;
      }
    },
    save: (registration) => writeDurably(path, JSON.stringify(record.toJson(registration))),
  };
}
