/** The name server of a znet: dnsmasq on the bridge's address, without rights, bounded. */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../errors.ts";
import { NETWORK_LIMITS as L } from "../limits.ts";
import type { NameRecord } from "../ports.ts";
import { checkedIpv4, checkedName } from "./names.ts";
import { commandLineOf, endProcess, pidsIn } from "./netns.ts";
import { inNetns, tryRun } from "./run.ts";

export interface DnsServer {
  readonly netns: string;
  /** Readable by the unprivileged server. */
  readonly folder: string;
  readonly address: string;
  readonly upstreams: readonly string[];
}

const hostsPath = (folder: string): string => join(folder, "hosts");
const pidPath = (folder: string): string => join(folder, "dnsmasq.pid");

function commandArgs({ folder, address, upstreams }: DnsServer): string[] {
  return [
    "--conf-file=/dev/null",
    "--no-resolv",
    "--no-hosts",
    "--no-poll",
    "--bind-interfaces",
    `--listen-address=${address}`,
    "--except-interface=lo",
    // Names without a dot are ours alone: never told to anyone outside.
    "--domain-needed",
    "--bogus-priv",
    `--addn-hosts=${hostsPath(folder)}`,
    // Zmachines move: nobody may remember an address of theirs.
    "--local-ttl=0",
    `--cache-size=${L.dnsCacheEntries}`,
    `--dns-forward-max=${L.dnsInFlight}`,
    `--pid-file=${pidPath(folder)}`,
    "--user=nobody",
    "--group=nogroup",
    ...upstreams.map((upstream) => `--server=${checkedIpv4(upstream)}`),
  ];
}

/** Starts the name server unless the same one runs. */
export async function ensureDns(server: DnsServer): Promise<void> {
  await mkdir(server.folder, { recursive: true, mode: 0o755 });
  await writeFile(hostsPath(server.folder), "", { flag: "a", mode: 0o644 });
  const args = commandArgs(server);
  const running = await runningPid(server.folder);
  if (running !== undefined && (await commandLineOf(running)).slice(1).join(" ") === args.join(" ")) return;
  // One that a crash has left without its pid file would hold the port.
  for (const pid of await pidsIn(server.netns)) if ((await commandLineOf(pid))[0] === "dnsmasq") endProcess(pid, "SIGKILL");
  const result = await tryRun(...inNetns(server.netns, "dnsmasq", args));
  if (result.exitCode !== 0) throw fail("network.dns_not_started", { details: { stderr: result.stderr.trim().slice(0, L.errorTextLength) } });
}

/** Its own command line must name our folder: process ids are used again. */
async function runningPid(folder: string): Promise<number | undefined> {
  const text = await readFile(pidPath(folder), "utf8").catch(() => "");
  const pid = Number.parseInt(text, 10);
  if (!Number.isInteger(pid)) return undefined;
  return (await commandLineOf(pid)).includes(`--pid-file=${pidPath(folder)}`) ? pid : undefined;
}

/** @returns the hosts file's text, sorted, so that equal records are equal text. */
export function hostsText(records: readonly NameRecord[]): string {
  const lines = records.flatMap((record) => record.ips.map((ip) => `${checkedIpv4(ip)} ${checkedName(record.name)}`));
  return [...new Set(lines)].toSorted().map((line) => `${line}\n`).join("");
}

export async function writeNames(folder: string, records: readonly NameRecord[]): Promise<void> {
  const text = hostsText(records);
  const path = hostsPath(folder);
  if ((await readFile(path, "utf8").catch(() => undefined)) === text) return;
  await writeFile(`${path}.new`, text, { mode: 0o644 });
  await rename(`${path}.new`, path);
  const pid = await runningPid(folder);
  // SIGHUP reads the file again and forgets old answers; without a server the next ensureDns reads it.
  if (pid !== undefined) endProcess(pid, "SIGHUP");
}

export async function removeDns(folder: string): Promise<void> {
  const pid = await runningPid(folder);
  if (pid !== undefined) endProcess(pid, "SIGKILL");
  await rm(folder, { recursive: true, force: true });
}
