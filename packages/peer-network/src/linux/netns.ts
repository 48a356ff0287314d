/** Network namespaces: making, finding and removing them, whatever state a crash left them in. */
import { readdir, readFile } from "node:fs/promises";
import { hasCode } from "@tfgrid/primitives";
import { LINKS } from "./names.ts";
import { inNetns, ipBatch, ipBatchForce, run, tryRun } from "./run.ts";

const NETNS_FOLDER = "/run/netns";

/** @returns names, sorted. */
export async function listNetns(prefix: string): Promise<string[]> {
  try {
    return (await readdir(NETNS_FOLDER)).filter((name) => name.startsWith(prefix)).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

export interface LinkInfo {
  readonly ifname: string;
  readonly operstate: string;
  readonly flags: readonly string[];
  readonly master?: string;
  readonly addr_info: readonly { readonly family: string; readonly local: string; readonly prefixlen: number }[];
}

/** Links of a namespace by name; undefined when the namespace does not exist or is a dead file. */
export async function linksOf(netns: string): Promise<ReadonlyMap<string, LinkInfo> | undefined> {
  const result = await tryRun("ip", ["-n", netns, "-j", "addr", "show"]);
  if (result.exitCode !== 0) return undefined;
  const links = JSON.parse(result.stdout === "" ? "[]" : result.stdout) as LinkInfo[];
  return new Map(links.map((link) => [link.ifname, link]));
}

interface LinkCounters {
  readonly stats64?: { readonly rx: { readonly bytes: number }; readonly tx: { readonly bytes: number } };
}

/** Both ways through a znet's way out, by the kernel's own counters; 0 when it has none. */
export async function uplinkBytes(netns: string): Promise<number> {
  const result = await tryRun("ip", ["-n", netns, "-j", "-s", "link", "show", "dev", LINKS.uplink]);
  if (result.exitCode !== 0) return 0;
  const [link] = JSON.parse(result.stdout === "" ? "[]" : result.stdout) as LinkCounters[];
  return link?.stats64 === undefined ? 0 : link.stats64.rx.bytes + link.stats64.tx.bytes;
}

export const hasAddress = (link: LinkInfo | undefined, address: string): boolean =>
  link?.addr_info.some((info) => info.local === address) ?? false;

const NO_IPV6 = ["net/ipv6/conf/all/disable_ipv6=1", "net/ipv6/conf/default/disable_ipv6=1"];
const ROUTER = [
  "net/ipv4/ip_forward=1",
  // The kernel would tell senders to bypass the router, which forwards back out of the link it came in by.
  "net/ipv4/conf/all/send_redirects=0",
  "net/ipv4/conf/default/send_redirects=0",
  "net/ipv4/conf/all/accept_redirects=0",
  "net/ipv4/conf/default/accept_redirects=0",
];
export const SYSCTLS = {
  /** IPv6 would be a way around every IPv4 rule: off where it is not configured. */
  zmachine: NO_IPV6,
  router: [...NO_IPV6, ...ROUTER],
  core: ["net/ipv4/ip_forward=1"],
} as const;

/** `/proc/sys/net` shows the namespace of the process that opens it, so a process inside must write. */
const SYSCTL_SCRIPT = 'for kv in "$@"; do f=/proc/sys/${kv%%=*}; [ -e "$f" ] && echo "${kv#*=}" > "$f" || :; done';

export async function setSysctls(netns: string, sysctls: readonly string[]): Promise<void> {
  await run(...inNetns(netns, "sh", ["-c", SYSCTL_SCRIPT, "sysctl", ...sysctls]));
}

/** Sysctls first, then the `ip` lines, in one process: a link must not come up before IPv6 is off. */
export async function configureNetns(netns: string, sysctls: readonly string[], lines: readonly string[]): Promise<void> {
  const script = `${SYSCTL_SCRIPT}; exec ip -batch -`;
  await run(...inNetns(netns, "sh", ["-c", script, "sysctl", ...sysctls]), { stdin: `${lines.join("\n")}\n` });
}

/** A crash within `ip netns add` leaves a plain file that is no namespace: removed and made anew. */
export async function ensureNetns(netns: string): Promise<ReadonlyMap<string, LinkInfo>> {
  const found = await linksOf(netns);
  if (found !== undefined) return found;
  await ipBatchForce(undefined, [`netns delete ${netns}`]);
  await ipBatch(undefined, [`netns add ${netns}`]);
  return new Map();
}

/** Process ids inside a namespace. */
export async function pidsIn(netns: string): Promise<number[]> {
  const result = await tryRun("ip", ["netns", "pids", netns]);
  return result.exitCode === 0 ? result.stdout.split("\n").filter(Boolean).map(Number) : [];
}

export async function commandLineOf(pid: number): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").filter(Boolean);
  } catch {
    // The process has ended in the meantime.
    return [];
  }
}

export function endProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Ends what runs inside and forgets the name; the kernel frees the rest. */
export async function removeNetns(netns: string): Promise<void> {
  for (const pid of await pidsIn(netns)) endProcess(pid, "SIGKILL");
  const result = await tryRun("ip", ["netns", "delete", netns]);
  if (result.exitCode !== 0 && (await listNetns(netns)).includes(netns)) await run("ip", ["netns", "delete", netns]);
}

export const isCommandFailure = (error: unknown): boolean => hasCode(error, "network.command_failed");
