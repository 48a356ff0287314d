/** A zmachine's network namespace: one interface per private network, its address fixed and guarded. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { s } from "@tfgrid/primitives";
import { fail } from "../errors.ts";
import { NETWORK_LIMITS as L } from "../limits.ts";
import type { Attachment } from "../ports.ts";
import type { LinuxContext } from "./context.ts";
import { checkedIpv4, checkedName, LINKS, macOf, zmachineLink } from "./names.ts";
import { configureNetns, ensureNetns, hasAddress, type LinkInfo, listNetns, removeNetns, SYSCTLS } from "./netns.ts";
import { netnsExists } from "./node.ts";
import { inNetns, ipBatch, ipBatchForce, netnsPath, nft, run, tryRun } from "./run.ts";
import { guardElement } from "./rules.ts";

const recordSchema = s.struct({
  networks: s.list(s.struct({ znet: s.text({ maxLength: 200 }), ip: s.text({ maxLength: 15 }) }), { max: 64 }),
});
type Networks = Attachment["networks"];

const recordPath = (context: LinuxContext, key: string): string => join(context.runDir, "attachments", `${checkedName(key)}.json`);
const routerOf = (ip: string): string => ip.replace(/\d+$/, "1");
const cidrOf = (ip: string): string => ip.replace(/\.\d+\.\d+$/, ".0.0/16");

export async function attach(context: LinuxContext, wanted: Attachment): Promise<{ netnsPath: string; nameserver: string }> {
  const { names } = context;
  const netns = names.zmachine(wanted.key);
  if (wanted.networks.length === 0) throw fail("network.unknown_network", { message: "A zmachine needs at least one network." });
  for (const { znet, ip } of wanted.networks) {
    checkedIpv4(ip);
    if (!(await netnsExists(names.znet(znet)))) throw fail("network.unknown_network", { details: { key: znet } });
  }
  const result = { netnsPath: netnsPath(netns), nameserver: routerOf((wanted.networks[0] as Networks[number]).ip) };
  const before = await readRecord(context, wanted.key);
  const links = (await netnsExists(netns)) ? await ensureNetns(netns) : undefined;
  const same = before !== undefined && JSON.stringify(before) === JSON.stringify(wanted.networks.map(({ znet, ip }) => ({ znet, ip })));
  if (same && links !== undefined && wanted.networks.every(({ ip }, index) => isUp(links.get(`eth${index}`), ip))) return result;
  if (before !== undefined && !same) await releaseGuards(context, wanted.key, before);
  await writeRecord(context, wanted);
  if (links === undefined) await ipBatch(undefined, [`netns add ${netns}`, ...wanted.networks.map((_, index) => vethLine(context, wanted, index))]);
  else await repairLinks(context, wanted, links);
  await Promise.all([
    configureNetns(netns, SYSCTLS.zmachine, insideLines(wanted.networks)),
    ...wanted.networks.map((network) => plugIn(context, wanted.key, network)),
  ]);
  return result;
}

const isUp = (link: LinkInfo | undefined, ip: string): boolean => hasAddress(link, ip) && (link?.flags.includes("LOWER_UP") ?? false);

function vethLine({ names }: LinuxContext, { key, networks }: Attachment, index: number): string {
  const { znet, ip } = networks[index] as Networks[number];
  const peer = `peer name eth${index} netns ${names.zmachine(key)} address ${macOf(ip)} mtu ${L.tunnelMtu}`;
  return `link add ${zmachineLink(key, znet)} mtu ${L.tunnelMtu} netns ${names.znet(znet)} type veth ${peer}`;
}

/** In place, since a zmachine may be running inside: right links stay, wrong and half-made ones are made anew. */
async function repairLinks(context: LinuxContext, wanted: Attachment, links: ReadonlyMap<string, LinkInfo>): Promise<void> {
  const { names } = context;
  const netns = names.zmachine(wanted.key);
  const wrong = wanted.networks.map(({ ip }, index) => ({ index, right: isUp(links.get(`eth${index}`), ip) })).filter(({ right }) => !right);
  const surplus = [...links.keys()].filter((name) => /^eth\d+$/.test(name) && Number(name.slice(3)) >= wanted.networks.length);
  await ipBatchForce(netns, [...wrong.map(({ index }) => `link delete eth${index}`), ...surplus.map((name) => `link delete ${name}`)]);
  for (const { index } of wrong) {
    const { znet } = wanted.networks[index] as Networks[number];
    await tryRun("ip", ["-n", names.znet(znet), "link", "delete", zmachineLink(wanted.key, znet)]);
  }
  await ipBatch(undefined, wrong.map(({ index }) => vethLine(context, wanted, index)));
}

function insideLines(networks: Networks): string[] {
  return [
    "link set lo up",
    ...networks.flatMap(({ ip }, index) => [
      `addr replace ${ip}/24 dev eth${index}`,
      `link set eth${index} up`,
      index === 0 ? `route replace default via ${routerOf(ip)} dev eth0` : `route replace ${cidrOf(ip)} via ${routerOf(ip)} dev eth${index}`,
    ]),
  ];
}

/** The guard first: from its first packet on, the port lets only the right address through. */
async function plugIn({ names }: LinuxContext, key: string, { znet, ip }: Networks[number]): Promise<void> {
  const link = zmachineLink(key, znet);
  const rules = guardElement("add", link, ip);
  // Hairpin stays off; `isolated` stays off too: zmachines of one private network do talk to each other.
  const script = `link set ${link} master ${LINKS.bridge} up\n`;
  await run(...inNetns(names.znet(znet), "nft", ["-f", "-"]), { stdin: rules });
  await run("ip", ["-n", names.znet(znet), "-batch", "-"], { stdin: script });
}

export async function detach(context: LinuxContext, key: string): Promise<void> {
  const netns = context.names.zmachine(key);
  const before = await readRecord(context, key);
  if ((await listNetns(netns)).includes(netns)) {
    const count = Math.max(before?.length ?? 0, 1);
    // Deleting the links now, since the kernel frees a namespace some time after its name is gone.
    await ipBatchForce(netns, Array.from({ length: count }, (_, index) => `link delete eth${index}`));
    await removeNetns(netns);
  }
  if (before !== undefined) await releaseGuards(context, key, before);
  await rm(recordPath(context, key), { force: true });
}

async function releaseGuards({ names }: LinuxContext, key: string, networks: Networks): Promise<void> {
  for (const { znet, ip } of networks)
    if (await netnsExists(names.znet(znet))) await nft(names.znet(znet), guardElement("delete", zmachineLink(key, znet), ip));
}

async function readRecord(context: LinuxContext, key: string): Promise<Networks | undefined> {
  const text = await readFile(recordPath(context, key), "utf8").catch(() => undefined);
  if (text === undefined || text === "") return undefined;
  return recordSchema.fromJson(JSON.parse(text)).networks;
}

async function writeRecord(context: LinuxContext, { key, networks }: Attachment): Promise<void> {
  const path = recordPath(context, key);
  await mkdir(join(context.runDir, "attachments"), { recursive: true });
  const record = { networks: networks.map(({ znet, ip }) => ({ znet, ip })) };
  await writeFile(path, JSON.stringify(recordSchema.toJson(record)));
}
