/** A laboratory: machines with an eth0 each on one LAN, a router, and "the Internet" behind it. All names are random. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@tfgrid/primitives";
import { linuxNetwork, teardownMachine } from "../../src/linux/driver.ts";
import { removeNetns } from "../../src/linux/netns.ts";
import { inNetns, ipBatch, ipBatchForce, runIn, tryRun } from "../../src/linux/run.ts";
import type { NetworkDriver } from "../../src/ports.ts";

export const PORTS = { first: 51_800, last: 51_999 };
export const INTERNET_HOST = "203.0.113.10";
export const LAN_HOST = "192.168.77.200";

export interface Machine {
  readonly netns: string;
  readonly address: string;
  readonly dataDir: string;
  readonly driver: NetworkDriver;
  newDriver(): NetworkDriver;
}

export interface Lab {
  readonly machines: readonly Machine[];
  readonly lanHost: string;
  readonly internet: string;
  stop(): Promise<void>;
}

export async function startLab(count: number): Promise<Lab> {
  const prefix = `pn${randomBytes(3).toString("hex")}`;
  const lan = `${prefix}-lan`;
  const lanHost = `${prefix}-host`;
  const internet = `${prefix}-inet`;
  const folder = await mkdtemp(join(tmpdir(), "peer-network-"));
  const netnses = Array.from({ length: count }, (_, index) => `${prefix}-n${index + 1}`);
  const stop = async (): Promise<void> => {
    for (const netns of netnses) await teardownMachine(netns);
    for (const netns of [...netnses, lan, lanHost, internet]) if (await exists(netns)) await removeNetns(netns);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await buildLan({ lan, lanHost, internet, netnses });
  } catch (error) {
    await stop();
    throw error;
  }
  const machines = netnses.map((netns, index) => {
    const dataDir = join(folder, netns);
    const newDriver = (): NetworkDriver =>
      linuxNetwork({
        machineNetns: netns,
        dataDir,
        uplink: { iface: "eth0" },
        portRange: PORTS,
        dnsUpstreams: [INTERNET_HOST],
        logger: silentLogger,
        ...(process.env["WIREGUARD_GO"] === undefined ? {} : { wireguardGo: process.env["WIREGUARD_GO"] }),
      });
    return { netns, address: `192.168.77.${index + 1}`, dataDir, driver: newDriver(), newDriver };
  });
  return { machines, lanHost, internet, stop };
}

const exists = async (netns: string): Promise<boolean> => (await tryRun("ip", ["-n", netns, "link", "show", "dev", "lo"])).exitCode === 0;

async function buildLan(lab: { lan: string; lanHost: string; internet: string; netnses: readonly string[] }): Promise<void> {
  const { lan, lanHost, internet, netnses } = lab;
  await ipBatch(undefined, [lan, lanHost, internet, ...netnses].map((netns) => `netns add ${netns}`));
  await ipBatch(lan, ["link add br0 type bridge forward_delay 0", "link set br0 up", "link set lo up"]);
  const plug = async (netns: string, address: string, port: string): Promise<void> => {
    await ipBatch(undefined, [`link add ${port} netns ${lan} type veth peer name eth0 netns ${netns}`]);
    await ipBatch(lan, [`link set ${port} master br0 up`]);
    await ipBatch(netns, [`addr add ${address}/24 dev eth0`, "link set lo up", "link set eth0 up"]);
  };
  await plug(lanHost, LAN_HOST, "host");
  await plug(internet, "192.168.77.254", "inet");
  await ipBatch(internet, [`addr add ${INTERNET_HOST}/32 dev lo`]);
  for (const [index, netns] of netnses.entries()) {
    await plug(netns, `192.168.77.${index + 1}`, `n${index + 1}`);
    await ipBatch(netns, ["route add default via 192.168.77.254"]);
  }
  await ipBatchForce(lanHost, ["route add default via 192.168.77.254"]);
}

export async function reaches(netns: string, address: string, options: { readonly count?: number; readonly waitSec?: number } = {}): Promise<boolean> {
  const args = ["-c", String(options.count ?? 1), "-i", "0.1", "-W", String(options.waitSec ?? 1), "-q", address];
  return (await tryRun(...inNetns(netns, "ping", args))).exitCode === 0;
}

export const insideOf = (machine: Machine, key: string): string => `${machine.netns}-m-${key}`;

/** Waits for a condition, never for a time. */
export async function until(what: string, condition: () => Promise<boolean> | boolean, timeoutMs = 60_000): Promise<number> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > timeoutMs) throw new Error(`gave up waiting: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return performance.now() - start;
}

export { runIn, tryRun, inNetns };
