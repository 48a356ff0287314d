/**
 * The kernel side of private networks (znets). A znet of a solution exists on a node as a namespace of its own with a
 * bridge for zmachines, a WireGuard interface whose UDP socket lives in the node's `mesh` namespace, and a way out to
 * the Internet through NAT. Calls are idempotent; `list` tells the machine's truth.
 */
import type { Hex } from "@tfgrid/primitives";

/** `s<solutionId>-<network name>`: unique on the node. */
export type ZnetKey = string;

export interface ZnetSpec {
  readonly key: ZnetKey;
  /** A /16, for example 10.64.0.0/16. */
  readonly cidr: string;
  /** This node serves 10.64.INDEX.0/24; .1 is the znet's router and name server. */
  readonly subnetIndex: number;
  /** No NAT to the Internet. */
  readonly internal: boolean;
  /** WireGuard private key of this node, hex; it never leaves the machine. */
  readonly privateKey: Hex;
}

export interface ZnetPeer {
  readonly publicKey: Hex;
  /** Where to send: the peer itself, or the node that forwards to it. Absent: wait until it calls (a user behind NAT). */
  readonly endpoint?: { readonly address: string; readonly port: number };
  readonly allowedIps: readonly string[];
  readonly keepaliveSec: number;
}

export interface NameRecord {
  /** `web` or an alias. */
  readonly name: string;
  readonly ips: readonly string[];
}

/** Forward ciphertext that arrives on `listenPort` from `from` to `to`, in the kernel, without decrypting. */
export interface Forward {
  readonly listenPort: number;
  readonly from: { readonly address: string };
  readonly to: { readonly address: string; readonly port: number };
}

export interface Attachment {
  /** Unique on the node: the zmachine's key. */
  readonly key: string;
  readonly networks: readonly { readonly znet: ZnetKey; readonly ip: string }[];
}

export interface NetworkDriver {
  /** Firewall and namespaces of the node itself: core drops input, mesh exists, gateway namespace when wanted. */
  ensureNode(options: { readonly gateway: boolean }): Promise<void>;
  /** Returns the UDP port on which this znet's WireGuard listens (stable as long as the znet lives). */
  ensureZnet(spec: ZnetSpec): Promise<{ readonly listenPort: number; readonly netns: string }>;
  /**
   * `insist`: endpoints are set again where WireGuard has followed a packet to another address. For the moments after a path
   * changed: packets that were still under way would otherwise lead both ends back to the old way for good. Peers that were
   * greeted and have not answered are greeted anew as well.
   * @returns greeted: a peer got its first address, so both ends are about to meet.
   */
  setPeers(key: ZnetKey, peers: readonly ZnetPeer[], options?: { readonly insist: boolean }): Promise<{ readonly greeted: boolean }>;
  /** Last handshake and byte counts per peer, for health and metrics. */
  peerStatus(
    key: ZnetKey,
  ): Promise<readonly { readonly publicKey: Hex; readonly lastHandshakeMs: number; readonly rxBytes: number; readonly txBytes: number }[]>;
  /** Bytes in and out between the znet and the Internet since its way out was made: 0 for an internal one. */
  publicBytes(key: ZnetKey): Promise<number>;
  /** Names that the znet's name server answers, beside forwarding other names upstream. */
  setNames(key: ZnetKey, records: readonly NameRecord[]): Promise<void>;
  /** Makes the zmachine's network namespace with one interface per network, default route over the first. */
  attach(attachment: Attachment): Promise<{ readonly netnsPath: string; readonly nameserver: string }>;
  detach(key: string): Promise<void>;
  removeZnet(key: ZnetKey): Promise<void>;
  /**
   * Joins the znet with the gateway's namespace (ensureNode with `gateway`). There the znet's addresses are reached under
   * the /16 returned here (two solutions may use the same 10.x.0.0/16): see gatewayAddress.
   */
  linkGateway(key: ZnetKey): Promise<{ readonly aliasCidr: string }>;
  setForwards(forwards: readonly Forward[]): Promise<void>;
  list(): Promise<{ readonly znets: readonly ZnetKey[]; readonly attachments: readonly string[] }>;
  /** Removes everything that this driver ever made for this node. */
  teardown(): Promise<void>;
}
