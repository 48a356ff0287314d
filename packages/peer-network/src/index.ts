/** The peer-to-peer network: private networks (znets) over WireGuard, on the shortest measured path. */
export * from "./ports.ts";
export { peerNetworkErrors } from "./errors.ts";
export { LINK_STATE_LIMITS, NETWORK_LIMITS, PATH_LIMITS, PROBE_LIMITS } from "./limits.ts";
export { linuxNetwork, teardownMachine } from "./linux/driver.ts";
export type { LinuxNetworkOptions } from "./linux/context.ts";
export { type MeshPorts, type PortRange, meshPorts } from "./linux/names.ts";
