/**
 * The stage on which the local grid plays: a bridge that stands for the Internet between farmers, and one network
 * namespace with a cable (`eth0`) per 3Node that stands for a machine. What happens inside a machine is Zero-OS's.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cliErrors } from "../errors.ts";
import type { GridLayout, NodeLayout } from "./layout.ts";
import { run } from "./run.ts";

export async function ensureHostNetwork(layout: GridLayout, signal: AbortSignal): Promise<void> {
  await refuseForeignSubnet(layout);
  if (!linkExists(layout.bridge)) await run("ip", ["link", "add", layout.bridge, "type", "bridge"], { signal });
  for (const address of new Set([layout.hostAddress, ...layout.chains.map((chain) => chain.address)])) {
    await run("ip", ["addr", "replace", `${address}/24`, "dev", layout.bridge], { signal });
  }
  await run("ip", ["link", "set", layout.bridge, "up"], { signal });
  // Machines behind the bridge reach the Internet (image registries) through this host, as behind a home router.
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
  await run("nft", ["-f", "-"], { signal, input: hostRules(layout) });
}

function hostRules(layout: GridLayout): string {
  const table = layout.prefix;
  return `table inet ${table} {}
delete table inet ${table}
table inet ${table} {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr ${layout.subnet}.0/24 oifname != "${layout.bridge}" masquerade
  }
}
`;
}

async function refuseForeignSubnet(layout: GridLayout): Promise<void> {
  const routes = await run("ip", ["-j", "route", "show", `${layout.subnet}.0/24`]);
  const foreign = (JSON.parse(routes || "[]") as { dev?: string }[]).find((route) => route.dev !== layout.bridge);
  if (foreign !== undefined) throw cliErrors.fail("cli.subnet_taken", { message: `${layout.subnet}.0/24 is routed to ${foreign.dev} on this machine.`, details: { subnet: layout.subnet } });
}

export async function ensureMachine(layout: GridLayout, node: NodeLayout, signal: AbortSignal): Promise<void> {
  if (!existsSync(`/run/netns/${node.machine}`)) await run("ip", ["netns", "add", node.machine], { signal });
  if (!linkExists(node.hostLink)) {
    await run("ip", ["link", "add", node.hostLink, "type", "veth", "peer", "name", "eth0", "netns", node.machine], { signal });
  }
  await run("ip", ["link", "set", node.hostLink, "master", layout.bridge, "up"], { signal });
  const batch = [`link set lo up`, `link set eth0 up`, `addr replace ${node.address}/24 dev eth0`, `route replace default via ${layout.hostAddress}`].join("\n");
  await run("ip", ["-n", node.machine, "-batch", "-"], { signal, input: `${batch}\n` });
}

/** Cuts or restores the machine's cable: used to show what the grid does when a node is lost. */
export async function setCable(node: NodeLayout, up: boolean): Promise<void> {
  await run("ip", ["link", "set", node.hostLink, up ? "up" : "down"]);
}

/** Removes the stage; machines' insides were removed before by Zero-OS's own teardown. */
export async function removeHostNetwork(layout: GridLayout): Promise<void> {
  for (const namespace of ownNamespaces(layout.prefix)) {
    await killInNamespace(namespace);
    await run("ip", ["netns", "del", namespace]);
  }
  for (const link of ownLinks(layout.prefix)) await run("ip", ["link", "del", link], { accept: [0, 1] });
  await run("nft", ["-f", "-"], { input: `table inet ${layout.prefix} {}\ndelete table inet ${layout.prefix}\n` });
}

async function killInNamespace(namespace: string): Promise<void> {
  const pids = (await run("ip", ["netns", "pids", namespace])).split("\n").filter((pid) => pid !== "");
  for (const pid of pids) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended between the list and the kill: that is what was wanted.
    }
  }
}

export function ownNamespaces(prefix: string): readonly string[] {
  if (!existsSync("/run/netns")) return [];
  return readdirSync("/run/netns").filter((name) => name.startsWith(prefix));
}

export function ownLinks(prefix: string): readonly string[] {
  return readdirSync("/sys/class/net").filter((name) => name.startsWith(prefix));
}

export function ownMounts(stateDir: string): readonly string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((target) => target.startsWith(`${stateDir}/`));
}

function linkExists(name: string): boolean {
  return existsSync(`/sys/class/net/${name}`);
}
