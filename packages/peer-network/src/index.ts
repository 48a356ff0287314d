/** The peer-to-peer network: private networks (znets) over WireGuard, on the shortest measured path. */
export * from "./ports.ts";
export { peerNetworkErrors } from "./errors.ts";
export { LINK_STATE_LIMITS, NETWORK_LIMITS, PATH_LIMITS, PROBE_LIMITS } from "./limits.ts";
export { linuxNetwork, teardownMachine } from "./linux/driver.ts";
export type { LinuxNetworkOptions } from "./linux/context.ts";
export { type MeshPorts, type PortRange, meshPorts } from "./linux/names.ts";
export { memoryFile } from "./linux/memory-file.ts";
export type { MemoryStore, NetworkMemory } from "./network/memory.ts";
export { openMeshSocket, type MeshSocketOptions } from "./linux/mesh-socket.ts";
export { ensureWireguardGo } from "./linux/wireguard-go.ts";
export { createPeerNetwork, type PeerNetwork, type PeerNetworkOptions, type PeerNetworkStatus } from "./network/create.ts";
export type { DesiredZnet, LocalZmachine } from "./network/desired.ts";
export type { PeerMessenger } from "./network/messages.ts";
export type { PathStatus } from "./network/path-service.ts";
export type { NetworkChain } from "./network/view.ts";
export { joinConfig, type JoinKeys, type JoinOptions, newJoinKeys } from "./join-config.ts";
export type { ProbeSocket } from "./prober/prober.ts";
export { gatewayAddress, simulatedNetwork, type SimulatedNetwork } from "./simulated.ts";
