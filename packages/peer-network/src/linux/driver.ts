/** The NetworkDriver of a Linux machine. */
import { rm } from "node:fs/promises";
import { fail } from "../errors.ts";
import type { Forward, NetworkDriver, ZnetKey } from "../ports.ts";
import { attach, detach } from "./attach.ts";
import { type LinuxContext, type LinuxNetworkOptions, runDirOf } from "./context.ts";
import { writeNames } from "./dns.ts";
import { keyedLock } from "./keyed-lock.ts";
import { checkedIpv4, LINKS, machineNames, meshPorts } from "./names.ts";
import { linksOf, listNetns, removeNetns, uplinkBytes } from "./netns.ts";
import { ensureNode, netnsExists } from "./node.ts";
import { ipBatchForce, nft } from "./run.ts";
import { forwardRules } from "./rules.ts";
import { slotStore } from "./state.ts";
import { endUserSpace, dumpWireguard, syncPeers } from "./wireguard.ts";
import { dnsFolder, ensureZnet, forgetFlows, forgetTranslated, linkGateway, removeZnet } from "./znet.ts";

export function linuxNetwork(options: LinuxNetworkOptions): NetworkDriver {
  const names = machineNames(options.machineNetns);
  const ports = meshPorts(options.portRange);
  options.dnsUpstreams.forEach(checkedIpv4);
  const slots = slotStore(options.dataDir, ports.znets);
  const context: LinuxContext = { ...options, names, ports, slots, runDir: runDirOf(names.machine), applied: new Map() };
  const locks = keyedLock();
  const znet = <T>(key: ZnetKey, operation: () => Promise<T>): Promise<T> => locks.run(`z ${key}`, operation);
  const forwards = forwarder(context);
  const wireguardOf = async (key: ZnetKey): Promise<readonly [string, string]> => {
    if (!(await netnsExists(names.znet(key)))) throw fail("network.unknown_network", { details: { key } });
    return [names.znet(key), names.wireguard(key)];
  };
  return {
    ensureNode: (wanted) => locks.run("node", () => ensureNode(context, wanted)),
    ensureZnet: (spec) => znet(spec.key, () => ensureZnet(context, spec)),
    linkGateway: (key) => znet(key, () => linkGateway(context, key)),
    setPeers: (key, peers, { insist } = { insist: false }) =>
      znet(key, async () => {
        let applied = context.applied.get(key);
        if (applied === undefined) context.applied.set(key, (applied = { endpoints: new Map(), greetedAtMs: new Map(), wanted: "", checkedAtMs: 0 }));
        const [netns, name] = await wireguardOf(key);
        return syncPeers({ netns, name, peers, applied, insist });
      }),
    peerStatus: async (key) => {
      const { peers } = await dumpWireguard(...(await wireguardOf(key)));
      return [...peers].map(([publicKey, { lastHandshakeMs, rxBytes, txBytes }]) => ({ publicKey, lastHandshakeMs, rxBytes, txBytes }));
    },
    publicBytes: async (key) => {
      if (!(await netnsExists(names.znet(key)))) throw fail("network.unknown_network", { details: { key } });
      return uplinkBytes(names.znet(key));
    },
    setNames: (key, records) =>
      znet(key, async () => {
        await wireguardOf(key);
        await writeNames(dnsFolder(context, key), records);
      }),
    attach: (wanted) => locks.run(`m ${wanted.key}`, () => attach(context, wanted)),
    detach: (key) => locks.run(`m ${key}`, () => detach(context, key)),
    removeZnet: (key) => znet(key, () => removeZnet(context, key)),
    setForwards: (wanted) => locks.run("forwards", () => forwards(wanted)),
    list: async () => {
      const [znets, attachments] = await Promise.all([listNetns(names.znetPrefix), listNetns(names.zmachinePrefix)]);
      return {
        znets: znets.map((name) => name.slice(names.znetPrefix.length)),
        attachments: attachments.map((name) => name.slice(names.zmachinePrefix.length)),
      };
    },
    teardown: async () => {
      await teardownMachine(names.machine);
      await slots.clear();
      context.applied.clear();
    },
  };
}

/** Replaces the whole table; flows of forwards that changed are forgotten, else the kernel would go on translating them. */
function forwarder(context: LinuxContext): (wanted: readonly Forward[]) => Promise<void> {
  let before: ReadonlyMap<string, Forward> | undefined;
  const idOf = (f: Forward): string => `${f.from.address} ${f.listenPort} ${f.to.address} ${f.to.port}`;
  return async (wanted) => {
    for (const forward of wanted) [forward.from.address, forward.to.address].forEach(checkedIpv4);
    const next = new Map(wanted.map((forward) => [idOf(forward), forward]));
    if (before !== undefined && before.size === next.size && [...next.keys()].every((id) => before?.has(id))) return;
    await nft(context.names.mesh, forwardRules([...next.values()]));
    await forgetForwards(context.names.mesh, before, next);
    before = next;
  };
}

async function forgetForwards(mesh: string, before: ReadonlyMap<string, Forward> | undefined, next: ReadonlyMap<string, Forward>): Promise<void> {
  // After a restart nothing is known of the table before: every translated flow is looked up anew, which loses no packet.
  if (before === undefined) return forgetTranslated(mesh);
  const changed = [...before, ...next].filter(([id]) => before.has(id) !== next.has(id));
  for (const port of new Set(changed.map(([, forward]) => forward.listenPort))) await forgetFlows(mesh, port);
}

/** Removes all that any driver has made for this machine, known by names alone. The machine's namespace itself stays. */
export async function teardownMachine(machineNetns: string): Promise<void> {
  const names = machineNames(machineNetns);
  for (const netns of await listNetns(names.zmachinePrefix)) await removeNetns(netns);
  for (const netns of await listNetns(names.znetPrefix)) {
    const key = netns.slice(names.znetPrefix.length);
    await ipBatchForce(netns, [`link delete ${names.wireguard(key)}`]);
    await removeNetns(netns);
    await endUserSpace(names.mesh, names.wireguard(key));
  }
  for (const netns of [names.gateway, names.mesh]) if ((await listNetns(netns)).includes(netns)) await removeNetns(netns);
  if ((await linksOf(names.machine)) !== undefined) {
    await ipBatchForce(names.machine, [`link delete ${LINKS.mesh}`, `link delete ${LINKS.gatewayInCore}`]);
    const tables = ["inet tfgrid_core", "ip tfgrid_core_nat"];
    await nft(names.machine, tables.map((table) => `add table ${table}\ndelete table ${table}\n`).join(""));
  }
  await rm(runDirOf(machineNetns), { recursive: true, force: true });
}
