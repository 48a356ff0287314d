/** What the node says of itself, from the machine and the configuration. */
import { networkInterfaces } from "node:os";
import { mkdir } from "node:fs/promises";
import type { Resources } from "@tfgrid/primitives";
import type { NodeConfig } from "../agent/config.ts";
import { detectCapacity } from "../drivers/index.ts";
import { nodeErrors } from "../errors.ts";
import type { Identity } from "../identity/identity.ts";
import { SOFTWARE_VERSION } from "../version.ts";
import type { NodeProfile } from "./register.ts";

/** Kept for the system itself when the farmer names no amount: agent, image cache, page cache. */
const SYSTEM_PERCENT = 10;
const SYSTEM_MIN_MEMORY_BYTES = 1024 ** 3;

export async function offeredResources(config: Pick<NodeConfig, "dataDir" | "capacity">): Promise<Resources> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const found = await detectCapacity({ dataDir: config.dataDir });
  const { cpuMilli, memoryBytes, ssdBytes, hddBytes = 0 } = config.capacity ?? {};
  const memory = found.memoryBytes - Math.max((found.memoryBytes * SYSTEM_PERCENT) / 100, SYSTEM_MIN_MEMORY_BYTES);
  const disk = (found.diskBytes * (100 - SYSTEM_PERCENT)) / 100;
  return {
    cpuMilli: Math.min(cpuMilli ?? Infinity, found.cores * 1000),
    memoryBytes: Math.floor(Math.max(0, Math.min(memoryBytes ?? memory, found.memoryBytes))),
    ssdBytes: Math.floor(Math.min(ssdBytes ?? disk, found.diskBytes)),
    hddBytes,
  };
}

export async function nodeProfileOf(config: NodeConfig, identity: Identity): Promise<NodeProfile> {
  const found = networkInterfaces()[config.uplink.iface] ?? [];
  const address = config.uplink.address ?? found.find(({ family }) => family === "IPv4")?.address;
  if (address === undefined) {
    throw nodeErrors.fail("node.config_invalid", { message: `uplink: interface ${config.uplink.iface} has no IPv4 address.` });
  }
  const addresses = found.filter(({ address: text }) => !text.startsWith("fe80")).flatMap(({ cidr }) => (cidr === null ? [] : [cidr]));
  return {
    total: await offeredResources(config),
    location: config.location,
    interfaces: [{ name: config.uplink.iface, mac: found[0]?.mac ?? "", addresses: addresses.slice(0, 16) }],
    ...(config.gateway === undefined ? {} : { publicConfig: { ipv4: address, domain: config.gateway.domain } }),
    meshKey: identity.mesh.publicKey,
    meshEndpoints: [{ address, port: config.meshPorts.first }],
    isolation: ["container"],
    softwareVersion: SOFTWARE_VERSION,
  };
}
