/** Names and addresses inside one machine, all computed from the machine's name: what is found can be told from what is not ours. */
import { createHash } from "node:crypto";
import { fail } from "../errors.ts";
import { NETWORK_LIMITS } from "../limits.ts";
import type { ZnetKey } from "../ports.ts";

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface MachineNames {
  readonly machine: string;
  readonly mesh: string;
  readonly gateway: string;
  readonly znetPrefix: string;
  readonly zmachinePrefix: string;
  znet(key: ZnetKey): string;
  zmachine(key: string): string;
  /** Unique on the host, since user-space WireGuard names its control socket after the interface. */
  wireguard(key: ZnetKey): string;
}

/** Safe in a namespace's file name, in an `ip -batch` line and in nft text. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,180}$/;

/** @throws GridError network.invalid_name */
export function checkedName(name: string): string {
  if (!NAME.test(name)) throw fail("network.invalid_name", { details: { name: name.slice(0, 200) } });
  return name;
}

export function shortHash(...parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 12);
}

export function machineNames(machine: string): MachineNames {
  checkedName(machine);
  return {
    machine,
    mesh: `${machine}-mesh`,
    gateway: `${machine}-gw`,
    znetPrefix: `${machine}-z-`,
    zmachinePrefix: `${machine}-m-`,
    znet: (key) => `${machine}-z-${checkedName(key)}`,
    zmachine: (key) => `${machine}-m-${checkedName(key)}`,
    wireguard: (key) => `wg${shortHash(machine, key)}`,
  };
}

/** Names of links inside their own namespaces. */
export const LINKS = { core: "core0", mesh: "mesh0", gatewayInCore: "gw0", uplink: "up0", bridge: "br0", gatewayInZnet: "gw0" } as const;
export const meshLink = (key: ZnetKey): string => `z${shortHash(key)}`;
export const gatewayLink = (key: ZnetKey): string => `g${shortHash(key)}`;
export const zmachineLink = (attachment: string, znet: ZnetKey): string => `v${shortHash(attachment, znet)}`;

/**
 * Inside a machine, links use link-local addresses (RFC 3927): they can clash with no farm's or tenant's network.
 * The first and last /24 are reserved by the RFC, 169.254.169.254 is the metadata address of clouds: none is used.
 */
export const LINK_NETS = {
  coreToMesh: { core: "169.254.1.0", mesh: "169.254.1.1" },
  coreToGateway: { core: "169.254.2.0", gateway: "169.254.2.1" },
  /** Mesh to znets, a /31 a slot. */
  znets: "169.254.64.0/19",
} as const;

export function znetLinkAddresses(slot: number): { readonly mesh: string; readonly znet: string } {
  return { mesh: linkAddress(64, 2 * slot), znet: linkAddress(64, 2 * slot + 1) };
}

export function gatewayLinkAddresses(slot: number): { readonly gateway: string; readonly znet: string } {
  return { gateway: linkAddress(192, 2 * slot), znet: linkAddress(192, 2 * slot + 1) };
}

function linkAddress(thirdByte: number, offset: number): string {
  return `169.254.${thirdByte + Math.floor(offset / 256)}.${offset % 256}`;
}

/**
 * Two solutions may use the same 10.64.0.0/16; in the gateway's namespace each gets a /16 of its own out of 240.0.0.0/4,
 * which no public or private network uses, translated one to one at the door of the znet.
 */
export function gatewayAliasCidr(slot: number): string {
  return `${240 + Math.floor(slot / 256)}.${slot % 256}.0.0/16`;
}

export interface MeshPorts {
  readonly probe: number;
  readonly znets: PortRange;
  readonly forwards: PortRange;
}

/** First port: probes. Lower half: WireGuard sockets. Upper half: forwards. */
export function meshPorts(range: PortRange): MeshPorts {
  const middle = range.first + Math.floor((range.last - range.first) / 2);
  const znetLast = Math.min(middle, range.first + NETWORK_LIMITS.znetSlots);
  return { probe: range.first, znets: { first: range.first + 1, last: znetLast }, forwards: { first: znetLast + 1, last: range.last } };
}

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
export const isIpv4 = (text: string): boolean => IPV4.test(text);

/** @throws GridError network.invalid_address */
export function checkedIpv4(text: string): string {
  if (!isIpv4(text)) throw fail("network.invalid_address", { details: { address: text.slice(0, 60) } });
  return text;
}

/** `10.64.0.0/16` and 3 -> `10.64.3`. @throws GridError network.invalid_address */
export function subnetBase(cidr: string, index: number): string {
  const [address = "", bits] = cidr.split("/");
  const bytes = checkedIpv4(address).split(".");
  if (bits !== "16" || bytes[2] !== "0" || bytes[3] !== "0" || !Number.isInteger(index) || index < 0 || index > 255)
    throw fail("network.invalid_address", { details: { cidr: cidr.slice(0, 60), index } });
  return `${bytes[0]}.${bytes[1]}.${index}`;
}

/** Locally administered and a function of the address: a zmachine that comes back elsewhere on the bridge has the same one. */
export function macOf(ip: string): string {
  return ["0a", "58", ...checkedIpv4(ip).split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"))].join(":");
}
