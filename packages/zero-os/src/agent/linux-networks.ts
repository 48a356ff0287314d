/** NetworkControl on a Linux machine: the driver at once, the peer network as soon as the node has a name on the ledger. */
import {
  createPeerNetwork,
  type DesiredZnet,
  memoryFile,
  meshPorts,
  type NetworkChain,
  type NetworkDriver,
  openMeshSocket,
  type PeerMessenger,
  type PeerNetwork,
} from "@tfgrid/peer-network";
import { hexToBytes, type Logger, type NodeId } from "@tfgrid/primitives";
import type { Identity } from "../identity/identity.ts";
import type { NodeConfig } from "./config.ts";
import type { NetworkControl } from "./network-control.ts";

export interface LinuxNetworksOptions {
  readonly driver: NetworkDriver;
  readonly identity: Identity;
  readonly config: Pick<NodeConfig, "machine" | "meshPorts">;
  readonly logger: Logger;
}

export interface LinuxNetworks extends NetworkControl {
  /** Namespace of a znet by its key, also of one that an earlier agent made. */
  netnsOf(znet: string): string;
  /** Measured paths, names and peers from now on. */
  join(options: { readonly nodeId: NodeId; readonly chain: NetworkChain; readonly messenger: PeerMessenger }): Promise<void>;
  peerNetwork(): PeerNetwork | undefined;
}

export function linuxNetworks({ driver, identity, config, logger }: LinuxNetworksOptions): LinuxNetworks {
  const namespaces = new Map<string, string>();
  let wanted: readonly DesiredZnet[] = [];
  let peers: PeerNetwork | undefined;
  return {
    ensureZnet: async ({ key, network: { cidr, subnetIndex, internal } }) => {
      const { listenPort, netns } = await driver.ensureZnet({ key, cidr, subnetIndex, internal, privateKey: identity.mesh.privateKey });
      namespaces.set(key, netns);
      peers?.nudge();
      return { listenPort };
    },
    removeZnet: async (key) => {
      namespaces.delete(key);
      await driver.removeZnet(key);
    },
    attach: (attachment) => driver.attach(attachment),
    detach: (key) => driver.detach(key),
    list: () => driver.list(),
    setZnets: (znets) => {
      wanted = znets;
      peers?.setZnets(znets);
    },
    nudge: () => peers?.nudge(),
    publicBytes: async (key) => (namespaces.has(key) ? driver.publicBytes(key) : undefined),
    netnsOf: (znet) => namespaces.get(znet) ?? `${config.machine}-z-${znet}`,
    peerNetwork: () => peers,
    join: async ({ nodeId, chain, messenger }) => {
      if (peers !== undefined) return;
      const { machine, meshPorts: range } = config;
      const ports = meshPorts(range);
      const socket = await openMeshSocket({ machineNetns: machine, port: ports.probe });
      const { keys, mesh } = identity;
      const meshPrivateKey = hexToBytes(mesh.privateKey);
      const store = memoryFile(machine, logger);
      const memory = { store, remembered: await store.load() };
      peers = createPeerNetwork({ nodeId, pair: keys, meshPrivateKey, driver, chain, messenger, socket, ports, memory, logger });
      peers.setZnets(wanted);
    },
    stop: async () => {
      await peers?.stop();
    },
  };
}
