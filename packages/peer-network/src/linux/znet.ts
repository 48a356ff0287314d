/** One private network of a solution on this node. */
import { join } from "node:path";
import { fail } from "../errors.ts";
import { NETWORK_LIMITS as L } from "../limits.ts";
import type { ZnetKey, ZnetSpec } from "../ports.ts";
import type { LinuxContext } from "./context.ts";
import { ensureDns, removeDns } from "./dns.ts";
import {
  checkedName,
  gatewayAliasCidr,
  gatewayLink,
  gatewayLinkAddresses,
  LINKS,
  macOf,
  meshLink,
  subnetBase,
  znetLinkAddresses,
} from "./names.ts";
import { configureNetns, ensureNetns, hasAddress, type LinkInfo, linksOf, listNetns, removeNetns, SYSCTLS } from "./netns.ts";
import { ensureVeth } from "./node.ts";
import { inNetns, ipBatch, ipBatchForce, nft, tryRun } from "./run.ts";
import { GUARD_RULES, znetRules } from "./rules.ts";
import type { ZnetSlot } from "./state.ts";
import { configureWireguard, createWireguard, endUserSpace } from "./wireguard.ts";

export const dnsFolder = (context: LinuxContext, key: ZnetKey): string => join(context.runDir, "dns", checkedName(key));
export const listenPortOf = (context: LinuxContext, slot: ZnetSlot): number => context.ports.znets.first + slot.slot;

export async function ensureZnet(context: LinuxContext, spec: ZnetSpec): Promise<{ listenPort: number; netns: string }> {
  const { names } = context;
  const netns = names.znet(spec.key);
  const base = subnetBase(spec.cidr, spec.subnetIndex);
  const slot = await context.slots.allocate(spec.key);
  const links = await ensureNetns(netns);
  const wireguard = names.wireguard(spec.key);
  const rules = znetRules({
    cidr: spec.cidr,
    subnet: `${base}.0/24`,
    router: `${base}.1`,
    wireguard,
    internal: spec.internal,
    ...(slot.gateway ? { gatewayAlias: gatewayAliasCidr(slot.slot) } : {}),
  });
  await nft(netns, rules + GUARD_RULES);
  if (!spec.internal) await ensureUplink(context, spec.key, slot, links);
  else if (links.has(LINKS.uplink)) await ipBatchForce(netns, [`link delete ${LINKS.uplink}`]);
  if (!links.has(wireguard)) await makeInterface(context, spec.key, netns);
  if (!links.has(LINKS.bridge)) await makeBridge(netns, base);
  await configureNetns(netns, SYSCTLS.router, [
    ...staleAddresses(links.get(LINKS.bridge), `${base}.1`),
    "link set lo up",
    `addr replace ${base}.1/24 dev ${LINKS.bridge}`,
    `link set ${LINKS.bridge} up mtu ${L.tunnelMtu}`,
    `link set ${wireguard} up mtu ${L.tunnelMtu}`,
    `route replace ${spec.cidr} dev ${wireguard} src ${base}.1`,
    ...(spec.internal ? [] : uplinkLines(slot)),
  ]);
  const listenPort = listenPortOf(context, slot);
  await Promise.all([
    configureWireguard(netns, wireguard, { privateKey: spec.privateKey, listenPort }),
    ensureDns({
      netns,
      folder: dnsFolder(context, spec.key),
      address: `${base}.1`,
      upstreams: spec.internal ? [] : context.dnsUpstreams,
    }),
  ]);
  if (slot.gateway) await connectGateway(context, spec.key, slot);
  return { listenPort, netns };
}

async function makeInterface(context: LinuxContext, key: ZnetKey, netns: string): Promise<void> {
  context.applied.delete(key);
  const { mesh } = context.names;
  const options = { mesh, logger: context.logger, ...(context.wireguardGo === undefined ? {} : { wireguardGo: context.wireguardGo }) };
  await createWireguard(options, context.names.wireguard(key), netns);
}

async function makeBridge(netns: string, base: string): Promise<void> {
  // Without snooping and delay a new port speaks at once; a fixed address keeps neighbours' tables true.
  const options = "type bridge forward_delay 0 mcast_snooping 0";
  await ipBatch(netns, [`link add ${LINKS.bridge} address ${macOf(`${base}.1`)} ${options}`]);
}

function staleAddresses(bridge: LinkInfo | undefined, wanted: string): string[] {
  const stale = bridge?.addr_info.filter((info) => info.family === "inet" && info.local !== wanted) ?? [];
  return stale.map((info) => `addr delete ${info.local}/${info.prefixlen} dev ${LINKS.bridge}`);
}

const uplinkLines = (slot: ZnetSlot): string[] => {
  const ips = znetLinkAddresses(slot.slot);
  return [`addr replace ${ips.znet}/31 dev ${LINKS.uplink}`, `link set ${LINKS.uplink} up`, `route replace default via ${ips.mesh}`];
};

async function ensureUplink(context: LinuxContext, key: ZnetKey, slot: ZnetSlot, links: ReadonlyMap<string, LinkInfo>): Promise<void> {
  const { mesh } = context.names;
  const outside = meshLink(key);
  const ips = znetLinkAddresses(slot.slot);
  const inMesh = (await linksOf(mesh)) ?? new Map<string, LinkInfo>();
  await ensureVeth({ inside: LINKS.uplink, insideNetns: context.names.znet(key), outside, outsideNetns: mesh }, links, inMesh);
  if (!hasAddress(inMesh.get(outside), ips.mesh) || !links.has(LINKS.uplink))
    await ipBatch(mesh, [`addr replace ${ips.mesh}/31 dev ${outside}`, `link set ${outside} up`]);
}

/** @returns the /16 by which the gateway's namespace reaches this znet. */
export async function linkGateway(context: LinuxContext, key: ZnetKey): Promise<{ readonly aliasCidr: string }> {
  const links = await linksOf(context.names.znet(key));
  const bridge = links?.get(LINKS.bridge)?.addr_info.find((info) => info.family === "inet");
  if (links === undefined || bridge === undefined) throw fail("network.unknown_network", { details: { key } });
  const slot = await context.slots.setGateway(key);
  const [first, second, third] = bridge.local.split(".");
  const route = `${first}.${second}.0.0/16`;
  const base = `${first}.${second}.${third}`;
  const rules = znetRules({
    cidr: route,
    subnet: `${base}.0/24`,
    router: `${base}.1`,
    wireguard: context.names.wireguard(key),
    internal: !links.has(LINKS.uplink),
    gatewayAlias: gatewayAliasCidr(slot.slot),
  });
  await nft(context.names.znet(key), rules);
  await connectGateway(context, key, slot);
  return { aliasCidr: gatewayAliasCidr(slot.slot) };
}

async function connectGateway(context: LinuxContext, key: ZnetKey, slot: ZnetSlot): Promise<void> {
  const { names } = context;
  const znet = names.znet(key);
  const [inside, outside] = await Promise.all([linksOf(znet), linksOf(names.gateway)]);
  // Without a gateway on this node (any more) there is nothing to connect.
  if (inside === undefined || outside === undefined) return;
  const link = gatewayLink(key);
  const ips = gatewayLinkAddresses(slot.slot);
  await ensureVeth({ inside: LINKS.gatewayInZnet, insideNetns: znet, outside: link, outsideNetns: names.gateway }, inside, outside);
  await ipBatch(znet, [`addr replace ${ips.znet}/31 dev ${LINKS.gatewayInZnet}`, `link set ${LINKS.gatewayInZnet} up`]);
  await ipBatch(names.gateway, [
    `addr replace ${ips.gateway}/31 dev ${link}`,
    `link set ${link} up`,
    `route replace ${gatewayAliasCidr(slot.slot)} via ${ips.znet}`,
  ]);
}

export async function removeZnet(context: LinuxContext, key: ZnetKey): Promise<void> {
  const { names } = context;
  const netns = names.znet(key);
  await removeDns(dnsFolder(context, key));
  if ((await listNetns(netns)).includes(netns)) {
    // A kernel interface would otherwise wander back to the mesh namespace, where it was born.
    await ipBatchForce(netns, [`link delete ${names.wireguard(key)}`, `link delete ${LINKS.uplink}`, `link delete ${LINKS.gatewayInZnet}`]);
    await removeNetns(netns);
  }
  await endUserSpace(names.mesh, names.wireguard(key));
  // Sessions of a removed network must not be answered by the next one that gets its port.
  const slot = await context.slots.get(key);
  if (slot !== undefined) await forgetFlows(names.mesh, listenPortOf(context, slot));
  context.applied.delete(key);
  await context.slots.release(key);
}

/** Makes the kernel look up these flows anew. */
export const forgetFlows = (netns: string, port: number): Promise<void> => forget(netns, ["--orig-port-dst", String(port)]);
export const forgetTranslated = (netns: string): Promise<void> => forget(netns, ["--dst-nat"]);

/** conntrack answers 1 when it found nothing to delete. */
async function forget(netns: string, filter: readonly string[]): Promise<void> {
  const [command, args] = inNetns(netns, "conntrack", ["-D", "-p", "udp", ...filter]);
  const result = await tryRun(command, args);
  if (result.exitCode !== 0 && !/ 0 flow entries/.test(result.stderr))
    throw fail("network.command_failed", { message: `conntrack failed: ${result.stderr.trim()}` });
}
