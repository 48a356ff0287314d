/** The NetworkDriver in memory: passes the same compliance suite as the Linux one. */
import { fail } from "./errors.ts";
import { checkedIpv4, checkedName, gatewayAliasCidr, type PortRange, meshPorts, subnetBase } from "./linux/names.ts";
import type { Attachment, Forward, NameRecord, NetworkDriver, ZnetKey, ZnetPeer, ZnetSpec } from "./ports.ts";

export interface SimulatedNetwork extends NetworkDriver {
  readonly forwards: readonly Forward[];
  peersOf(key: ZnetKey): readonly ZnetPeer[];
  namesOf(key: ZnetKey): readonly NameRecord[];
  /** Traffic between the znet and the Internet, as zmachines would make it. */
  pass(key: ZnetKey, bytes: number): void;
}

interface Znet {
  readonly spec: ZnetSpec;
  readonly slot: number;
  peers: readonly ZnetPeer[];
  names: readonly NameRecord[];
  publicBytes: number;
}

/** Greeted: a peer has an address that had none. */
function replacePeers(znet: Znet, peers: readonly ZnetPeer[]): { readonly greeted: boolean } {
  const known = new Set(znet.peers.filter(({ endpoint }) => endpoint !== undefined).map(({ publicKey }) => publicKey));
  znet.peers = peers;
  return { greeted: peers.some(({ publicKey, endpoint }) => endpoint !== undefined && !known.has(publicKey)) };
}

export function simulatedNetwork(options: { readonly portRange: PortRange }): SimulatedNetwork {
  const ports = meshPorts(options.portRange);
  const znets = new Map<ZnetKey, Znet>();
  const attachments = new Map<string, Attachment>();
  let forwards: readonly Forward[] = [];
  const znet = (key: ZnetKey): Znet => {
    const found = znets.get(key);
    if (found === undefined) throw fail("network.unknown_network", { details: { key } });
    return found;
  };
  const freeSlot = (): number => {
    const taken = new Set([...znets.values()].map((entry) => entry.slot));
    for (let slot = 0; ports.znets.first + slot <= ports.znets.last; slot += 1) if (!taken.has(slot)) return slot;
    throw fail("network.ports_exhausted");
  };
  return {
    get forwards() {
      return forwards;
    },
    peersOf: (key) => znet(key).peers,
    namesOf: (key) => znet(key).names,
    pass: (key, bytes) => {
      znet(key).publicBytes += bytes;
    },
    publicBytes: async (key) => znet(key).publicBytes,
    ensureNode: async () => undefined,
    ensureZnet: async (spec) => {
      checkedName(spec.key);
      subnetBase(spec.cidr, spec.subnetIndex);
      const before = znets.get(spec.key);
      const slot = before?.slot ?? freeSlot();
      znets.set(spec.key, { spec, slot, peers: before?.peers ?? [], names: before?.names ?? [], publicBytes: before?.publicBytes ?? 0 });
      return { listenPort: ports.znets.first + slot, netns: `simulated-z-${spec.key}` };
    },
    setPeers: async (key, peers) => replacePeers(znet(key), peers),
    peerStatus: async (key) => znet(key).peers.map(({ publicKey }) => ({ publicKey, lastHandshakeMs: 0, rxBytes: 0, txBytes: 0 })),
    setNames: async (key, records) => {
      znet(key).names = records;
    },
    attach: async (attachment) => {
      checkedName(attachment.key);
      const [first] = attachment.networks;
      if (first === undefined) throw fail("network.unknown_network");
      for (const network of attachment.networks) {
        znet(network.znet);
        checkedIpv4(network.ip);
      }
      attachments.set(attachment.key, attachment);
      return { netnsPath: `/run/netns/simulated-m-${attachment.key}`, nameserver: first.ip.replace(/\d+$/, "1") };
    },
    detach: async (key) => {
      attachments.delete(key);
    },
    removeZnet: async (key) => {
      znets.delete(key);
    },
    linkGateway: async (key) => ({ aliasCidr: gatewayAliasCidr(znet(key).slot) }),
    setForwards: async (wanted) => {
      forwards = wanted;
    },
    list: async () => ({ znets: [...znets.keys()].toSorted(), attachments: [...attachments.keys()].toSorted() }),
    teardown: async () => {
      znets.clear();
      attachments.clear();
      forwards = [];
    },
  };
}

/** The address by which the gateway's namespace reaches a zmachine: `10.64.2.7` under 240.3.0.0/16 is 240.3.2.7. */
export function gatewayAddress(aliasCidr: string, ip: string): string {
  const [first, second] = aliasCidr.split(".");
  const [, , third, fourth] = checkedIpv4(ip).split(".");
  return `${first}.${second}.${third}.${fourth}`;
}
