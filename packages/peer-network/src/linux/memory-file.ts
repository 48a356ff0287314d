/** The agent's memory of its networks in a file beside the kernel's state, which a reboot removes as well. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Logger, messageOf } from "@tfgrid/primitives";
import { type MemoryStore, type NetworkMemory, networkMemory } from "../network/memory.ts";
import { runDirOf } from "./context.ts";

export function memoryFile(machineNetns: string, logger: Logger): MemoryStore {
  const folder = runDirOf(machineNetns);
  const path = join(folder, "paths.json");
  return {
    load: async () => {
      let text: string;
      try {
        text = await readFile(path, "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
      return parse(text, logger);
    },
    save: async (memory) => {
      await mkdir(folder, { recursive: true, mode: 0o755 });
      await writeFile(`${path}.new`, JSON.stringify(networkMemory.toJson(memory)), { mode: 0o600 });
      await rename(`${path}.new`, path);
    },
  };
}

/** Of an older release or torn: paths are then found anew, as after a reboot. */
function parse(text: string, logger: Logger): NetworkMemory | undefined {
  try {
    return networkMemory.fromJson(JSON.parse(text));
  } catch (error) {
    logger.warn("remembered paths are unreadable and found anew", { reason: messageOf(error) });
    return undefined;
  }
}
