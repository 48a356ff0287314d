/** The node's own part: core firewall, mesh namespace, gateway namespace, and the links between them. */
import { access } from "node:fs/promises";
import type { LinuxContext } from "./context.ts";
import { LINK_NETS, LINKS } from "./names.ts";
import { configureNetns, ensureNetns, type LinkInfo, linksOf, listNetns, removeNetns, setSysctls, SYSCTLS } from "./netns.ts";
import { ipBatch, ipBatchForce, netnsPath, nft } from "./run.ts";
import { coreRules, gatewayRules, meshRules } from "./rules.ts";
import { fail } from "../errors.ts";

export async function ensureNode(context: LinuxContext, options: { readonly gateway: boolean }): Promise<void> {
  const { names, uplink, portRange, dnsUpstreams } = context;
  const core = await linksOf(names.machine);
  if (core === undefined)
    throw fail("network.command_failed", { message: `The machine's namespace ${netnsPath(names.machine)} does not exist.` });
  await setSysctls(names.machine, SYSCTLS.core);
  // Rules before links: there is no moment in which the new way is open.
  await nft(names.machine, coreRules({ uplink: uplink.iface, ports: portRange, gateway: options.gateway, dnsUpstreams }));
  await ensureMesh(context, core);
  if (options.gateway) await ensureGateway(context, core);
  else if ((await listNetns(names.gateway)).includes(names.gateway)) await removeNetns(names.gateway);
}

async function ensureMesh(context: LinuxContext, core: ReadonlyMap<string, LinkInfo>): Promise<void> {
  const { names, ports, dnsUpstreams, uplink } = context;
  const links = await ensureNetns(names.mesh);
  await setSysctls(names.mesh, SYSCTLS.router);
  const found = core.get(uplink.iface)?.addr_info.filter((info) => info.family === "inet").map((info) => info.local) ?? [];
  const ownAddresses = [...new Set([...found, ...(uplink.address === undefined ? [] : [uplink.address])])];
  await nft(names.mesh, meshRules({ ports, ownAddresses, dnsUpstreams }));
  const { core: coreIp, mesh: meshIp } = LINK_NETS.coreToMesh;
  await ensureVeth({ inside: LINKS.core, insideNetns: names.mesh, outside: LINKS.mesh, outsideNetns: names.machine }, links, core);
  await configureNetns(names.mesh, [], [
    "link set lo up",
    `addr replace ${meshIp}/31 dev ${LINKS.core}`,
    `link set ${LINKS.core} up`,
  ]);
  await ipBatch(names.machine, [`addr replace ${coreIp}/31 dev ${LINKS.mesh}`, `link set ${LINKS.mesh} up`]);
  await ipBatch(names.mesh, [`route replace default via ${coreIp}`]);
}

async function ensureGateway(context: LinuxContext, core: ReadonlyMap<string, LinkInfo>): Promise<void> {
  const { names } = context;
  const links = await ensureNetns(names.gateway);
  await setSysctls(names.gateway, SYSCTLS.zmachine);
  await nft(names.gateway, gatewayRules());
  const { core: coreIp, gateway } = LINK_NETS.coreToGateway;
  await ensureVeth({ inside: LINKS.core, insideNetns: names.gateway, outside: LINKS.gatewayInCore, outsideNetns: names.machine }, links, core);
  await ipBatch(names.gateway, ["link set lo up", `addr replace ${gateway}/31 dev ${LINKS.core}`, `link set ${LINKS.core} up`]);
  await ipBatch(names.machine, [`addr replace ${coreIp}/31 dev ${LINKS.gatewayInCore}`, `link set ${LINKS.gatewayInCore} up`]);
  await ipBatch(names.gateway, [`route replace default via ${coreIp}`]);
}

export interface VethPair {
  readonly inside: string;
  readonly insideNetns: string;
  readonly outside: string;
  readonly outsideNetns: string;
  readonly options?: string;
}

/** Makes the pair unless both ends are there; one end alone is what is left of a removed namespace. */
export async function ensureVeth(
  pair: VethPair,
  inside: ReadonlyMap<string, LinkInfo>,
  outside: ReadonlyMap<string, LinkInfo>,
): Promise<boolean> {
  if (inside.has(pair.inside) && outside.has(pair.outside)) return false;
  if (inside.has(pair.inside)) await ipBatchForce(pair.insideNetns, [`link delete ${pair.inside}`]);
  if (outside.has(pair.outside)) await ipBatchForce(pair.outsideNetns, [`link delete ${pair.outside}`]);
  const peer = `peer name ${pair.inside} netns ${pair.insideNetns} ${pair.options ?? ""}`;
  await ipBatch(undefined, [`link add ${pair.outside} netns ${pair.outsideNetns} type veth ${peer}`]);
  return true;
}

export async function netnsExists(netns: string): Promise<boolean> {
  return access(netnsPath(netns)).then(
    () => true,
    () => false,
  );
}
