/** Packet filters as text: pure functions of what is wanted. Each table is replaced whole, in one transaction. */
import type { Forward } from "../ports.ts";
import { LINK_NETS, LINKS, type MeshPorts, type PortRange } from "./names.ts";

/** Never reached from a zmachine by way of the Internet: private, shared, link-local, test-loop, multicast and reserved ranges (RFC 6890). */
const PRIVATE_RANGES = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "224.0.0.0/3",
] as const;
const PRIVATE = `{ ${PRIVATE_RANGES.join(", ")} }`;
const set = (values: readonly (string | number)[]): string => `{ ${values.join(", ")} }`;
const ICMP_ERRORS = "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept";

/** `add` and `delete` before the new table, all in one transaction: replaced, whether it was there or not. */
const replaceTable = (family: string, name: string, body: string): string =>
  `add table ${family} ${name}\ndelete table ${family} ${name}\ntable ${family} ${name} {\n${body}\n}\n`;

export interface CoreRules {
  readonly uplink: string;
  readonly ports: PortRange;
  readonly gateway: boolean;
  readonly dnsUpstreams: readonly string[];
}

/** The core: nothing comes in that it did not ask for; between the uplink and the mesh only the mesh's own ports. */
export function coreRules({ uplink, ports, gateway, dnsUpstreams }: CoreRules): string {
  const range = `${ports.first}-${ports.last}`;
  const forwardGateway = `
    iifname "${uplink}" oifname "${LINKS.gatewayInCore}" ct status dnat tcp dport { 80, 443 } accept
    ${dnsUpstreams.length === 0 ? "" : `iifname "${LINKS.gatewayInCore}" oifname "${uplink}" meta l4proto { tcp, udp } th dport 53 ip daddr ${set(dnsUpstreams)} accept`}
    iifname "${LINKS.gatewayInCore}" oifname "${uplink}" ip daddr != ${PRIVATE} accept`;
  const filter = `
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif "lo" accept
    ${ICMP_ERRORS}
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, packet-too-big, destination-unreachable, time-exceeded, parameter-problem } accept
    udp sport 67 udp dport 68 accept
    ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "${LINKS.mesh}" oifname "${uplink}" accept
    iifname "${uplink}" oifname "${LINKS.mesh}" ct status dnat udp dport ${range} accept${gateway ? forwardGateway : ""}
  }`;
  const nat = `
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "${uplink}" fib daddr type local udp dport ${range} dnat to ${LINK_NETS.coreToMesh.mesh}
    ${gateway ? `iifname "${uplink}" fib daddr type local tcp dport { 80, 443 } dnat to ${LINK_NETS.coreToGateway.gateway}` : ""}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${uplink}" ip saddr ${set([LINK_NETS.coreToMesh.mesh, LINK_NETS.coreToGateway.gateway])} masquerade
  }`;
  return replaceTable("inet", "tfgrid_core", filter) + replaceTable("ip", "tfgrid_core_nat", nat);
}

export interface MeshRules {
  readonly ports: MeshPorts;
  readonly ownAddresses: readonly string[];
  readonly dnsUpstreams: readonly string[];
}

/**
 * The mesh: ciphertext in, tenants' traffic out, tenants never to each other. Packets to ports without a socket are
 * dropped rather than refused: a refused one would leave a connection-tracking entry without translation, and a forward
 * that is granted a moment later would not see the rest of that flow.
 */
export function meshRules({ ports, ownAddresses, dnsUpstreams }: MeshRules): string {
  const own = ownAddresses.length === 0 ? "" : `iifname "z*" ip daddr ${set(ownAddresses)} drop`;
  const dns =
    dnsUpstreams.length === 0
      ? ""
      : `iifname "z*" oifname "${LINKS.core}" meta l4proto { tcp, udp } th dport 53 ip daddr ${set(dnsUpstreams)} accept`;
  const filter = `
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif "lo" accept
    ${ICMP_ERRORS}
    iifname "${LINKS.core}" udp dport { ${ports.probe}, ${ports.znets.first}-${ports.znets.last} } accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "${LINKS.core}" oifname "${LINKS.core}" ct status dnat accept
    ${dns}
    ${own}
    iifname "z*" oifname "${LINKS.core}" ip daddr != ${PRIVATE} accept
  }`;
  // Source ports of tenants stay below ours: a tenant must not take the port pair of a WireGuard session.
  const nat = `
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${LINKS.core}" ip saddr ${LINK_NETS.znets} meta l4proto { tcp, udp } masquerade to :1024-${ports.probe - 1}
    oifname "${LINKS.core}" ip saddr ${LINK_NETS.znets} masquerade
  }`;
  return replaceTable("inet", "tfgrid_mesh", filter) + replaceTable("ip", "tfgrid_mesh_nat", nat);
}

/**
 * Forwards of ciphertext: by sender and port to the next address and port, leaving from the same port, so that both
 * directions of a pair of nodes share one port and both ends see one stable address.
 */
export function forwardRules(forwards: readonly Forward[]): string {
  const ports = [...new Set(forwards.map((forward) => forward.listenPort))];
  const elements = (values: readonly string[]): string => (values.length === 0 ? "" : `elements = { ${values.join(", ")} };`);
  const target = forwards.map((f) => `${f.from.address} . ${f.listenPort} : ${f.to.address} . ${f.to.port}`);
  const body = `
  map target { type ipv4_addr . inet_service : ipv4_addr . inet_service; ${elements(target)} }
  map source { type inet_service : ipv4_addr . inet_service; ${elements(ports.map((port) => `${port} : ${LINK_NETS.coreToMesh.mesh} . ${port}`))} }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "${LINKS.core}" dnat ip to ip saddr . udp dport map @target
  }
  chain postrouting {
    type nat hook postrouting priority srcnat - 1; policy accept;
    oifname "${LINKS.core}" ct status dnat ct protocol udp snat ip to ct original proto-dst map @source
  }`;
  return replaceTable("ip", "tfgrid_forwards", body);
}

export interface ZnetRules {
  readonly cidr: string;
  /** This node's /24. */
  readonly subnet: string;
  /** .1 of it: router and name server. */
  readonly router: string;
  readonly wireguard: string;
  readonly internal: boolean;
  /** The gateway's /16 alias for this znet, when a gateway is linked. */
  readonly gatewayAlias?: string;
}

export function znetRules({ cidr, subnet, router, wireguard, internal, gatewayAlias }: ZnetRules): string {
  const { bridge, uplink, gatewayInZnet } = LINKS;
  const wire = `"${wireguard}"`;
  const filter = `
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif "lo" accept
    iifname { "${bridge}", ${wire} } ip saddr ${cidr} ip daddr ${router} meta l4proto { tcp, udp } th dport 53 accept
    iifname { "${bridge}", ${wire} } ip saddr ${cidr} icmp type echo-request accept
    ${ICMP_ERRORS}
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
    ct state established,related accept
    iifname "${bridge}" ip saddr != ${subnet} drop
    # Seen here only where bridged frames pass the IP filter too (br_netfilter is loaded).
    iifname "${bridge}" oifname "${bridge}" ip daddr ${subnet} accept
    iifname "${bridge}" oifname ${wire} ip daddr ${cidr} accept
    iifname ${wire} oifname "${bridge}" ip saddr ${cidr} ip daddr ${subnet} accept
    ${internal ? "" : `iifname "${bridge}" oifname "${uplink}" ip daddr != ${PRIVATE} accept`}
    ${gatewayAlias === undefined ? "" : `iifname "${gatewayInZnet}" oifname { "${bridge}", ${wire} } ct status dnat ip daddr ${cidr} accept`}
  }`;
  const nat = `
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    ${gatewayAlias === undefined ? "" : `iifname "${gatewayInZnet}" dnat ip prefix to ip daddr map { ${gatewayAlias} : ${cidr} }`}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${internal ? "" : `oifname "${uplink}" masquerade`}
    ${gatewayAlias === undefined ? "" : `iifname "${gatewayInZnet}" oifname { "${bridge}", ${wire} } snat to ${router}`}
  }`;
  return replaceTable("inet", "tfgrid_znet", filter) + replaceTable("ip", "tfgrid_znet_nat", nat);
}

/**
 * A zmachine speaks IPv4 and ARP from its own address only; everything else (IPv6, VLAN tags, foreign ARP) is dropped at
 * its port of the bridge. `flush table` renews the rules and keeps the set of who is attached.
 */
export const GUARD_RULES = `
add table bridge tfgrid_guard
add set bridge tfgrid_guard allowed { type ifname . ipv4_addr; }
add chain bridge tfgrid_guard prerouting { type filter hook prerouting priority -300; policy accept; }
flush table bridge tfgrid_guard
add rule bridge tfgrid_guard prerouting iifname != "v*" accept
add rule bridge tfgrid_guard prerouting ether type ip iifname . ip saddr @allowed accept
add rule bridge tfgrid_guard prerouting ether type arp iifname . arp saddr ip @allowed accept
add rule bridge tfgrid_guard prerouting drop
`;

/** `add` before `delete`: deleting what is not there is an error. */
export function guardElement(action: "add" | "delete", link: string, ip: string): string {
  const element = `element bridge tfgrid_guard allowed { "${link}" . ${ip} }`;
  return action === "add" ? `add ${element}\n` : `add ${element}\ndelete ${element}\n`;
}

/** The gateway's namespace: web ports from outside, anything out, nothing else in. */
export function gatewayRules(): string {
  return replaceTable(
    "inet",
    "tfgrid_gateway",
    `
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif "lo" accept
    ${ICMP_ERRORS}
    iifname "${LINKS.core}" tcp dport { 80, 443 } accept
  }
  chain forward { type filter hook forward priority filter; policy drop; }`,
  );
}
