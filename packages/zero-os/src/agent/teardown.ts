/** Switches a node off: removes what it made on the machine, without needing its agent. Data stays unless purged. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { teardownMachine } from "@tfgrid/peer-network";
import { type Logger, silentLogger } from "@tfgrid/primitives";
import { BOOT_MARKER_FILE } from "../identity/boot-marker.ts";

export interface TeardownOptions {
  readonly machine: string;
  readonly dataDir: string;
  readonly logger?: Logger;
  /** Also deletes the data folder: identity, volumes, image cache. */
  readonly purge?: boolean;
}

/** Stop the agent first. Idempotent; goes on after a failure and throws the first one at the end. */
export async function teardownNode(options: TeardownOptions): Promise<void> {
  const { machine, dataDir, logger = silentLogger, purge = false } = options;
  const failures: unknown[] = [];
  const step = async (name: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      logger.error("teardown step failed", { machine, step: name, error });
      failures.push(error);
    }
  };
  await step("network", () => teardownMachine(machine));
  await step("boot marker", () => rm(join(dataDir, BOOT_MARKER_FILE), { force: true }));
  if (purge && failures.length === 0) await step("data folder", () => rm(dataDir, { recursive: true, force: true }));
  if (failures.length > 0) throw failures[0] as Error;
}
