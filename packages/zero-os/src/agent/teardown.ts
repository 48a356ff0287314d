/** Switches a node off: removes what it made on the machine, without needing its agent. Data stays unless purged. */
import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { teardownMachine } from "@tfgrid/peer-network";
import { type Logger, silentLogger } from "@tfgrid/primitives";
import { createGateway } from "@tfgrid/web-gateway";
import { linuxCompute, linuxStorage } from "../drivers/index.ts";
import { BOOT_MARKER_FILE } from "../identity/boot-marker.ts";
import { placesOf } from "./places.ts";

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
  const places = placesOf(options);
  const failures: unknown[] = [];
  const step = async (name: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      logger.error("teardown step failed", { machine, step: name, error });
      failures.push(error);
    }
  };
  await step("gateway", () => teardownGateway(options, logger));
  if (await exists(places.computeDir)) await step("zmachines", () => teardownCompute(options, logger));
  if (await exists(places.volumeDir)) await step("volumes", () => releaseVolumes(options, logger));
  await step("network", () => teardownMachine(machine));
  await step("boot marker", () => rm(join(dataDir, BOOT_MARKER_FILE), { force: true }));
  if (purge && failures.length === 0) await step("data folder", () => rm(dataDir, { recursive: true, force: true }));
  if (failures.length > 0) throw failures[0] as Error;
}

async function teardownCompute(options: TeardownOptions, logger: Logger): Promise<void> {
  const { computeDir, computeRunDir, cgroupParent } = placesOf(options);
  const compute = await linuxCompute({ dataDir: computeDir, cgroupParent, runDir: computeRunDir, removeOnly: true, logger });
  try {
    await compute.teardown();
  } finally {
    compute.close();
  }
  await rm(computeRunDir, { recursive: true, force: true });
}

async function releaseVolumes(options: TeardownOptions, logger: Logger): Promise<void> {
  const { volumeDir, volumeMountDir } = placesOf(options);
  const storage = await linuxStorage({ dataDir: volumeDir, mountDir: volumeMountDir, logger });
  await storage.release();
}

async function teardownGateway(options: TeardownOptions, logger: Logger): Promise<void> {
  const { gatewayDir, gatewayNetns } = placesOf(options);
  if (!(await exists(gatewayDir))) return;
  const listen = { http: 80, https: 443 };
  const gateway = await createGateway({ machine: options.machine, netns: gatewayNetns, dataDir: gatewayDir, domain: "localhost", listen, logger });
  await gateway.teardown();
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
