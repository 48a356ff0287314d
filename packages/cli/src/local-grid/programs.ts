/** The programs of a local grid: how each is started and configured. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type PublicGrid, publicGrid } from "@tfgrid/explorer";
import type { JoinToken } from "@tfgrid/tfchain";
import { chainAccessOf } from "./chain-programs.ts";
import { START_TIMEOUT_MS, own, room } from "./own-program.ts";
import type { GridKeys } from "./keys.ts";
import { mnemonicFile } from "./keys.ts";
import { type GridLayout, type NodeLayout, REGISTRY_NAME } from "./layout.ts";
import { freePort } from "./forwarder.ts";
import { registryServes, registryUrl as registryUrlOf, writeRegistryFiles } from "./registry.ts";
import type { ProgramSpec, Supervisor } from "./supervisor.ts";

export const registryName = REGISTRY_NAME;
export const registryUrl = registryUrlOf;
export const notaryUrl = (layout: GridLayout): string => `http://${layout.hostAddress}:${layout.ports.notary}`;

/** Which of the ledger's servers each program asks first; 3Nodes take theirs by their own number. */
const TURN = { notary: 0, explorer: 1, agent: 2 } as const;

/** ms. Booting includes registration on the ledger, whose programs start at the same time. */
const NODE_START_TIMEOUT_MS = 180_000;

export function notaryProgram(layout: GridLayout, keys: GridKeys): ProgramSpec {
  return own({
    layout,
    name: "notary",
    program: room("notary"),
    config: { dataDir: join(layout.stateDir, "notary"), host: layout.hostAddress, port: layout.ports.notary, chain: chainAccessOf(layout, keys, TURN.notary) },
  });
}

export function relayProgram(layout: GridLayout, _keys: GridKeys): ProgramSpec {
  return own({
    layout,
    name: "relay",
    program: room("messaging"),
    config: { mnemonicFile: mnemonicFile(layout.files.keys, "relay"), listen: [{ host: layout.hostAddress, port: layout.ports.relay, transport: "tcp" }] },
  });
}

/** The multiaddrs that the relay printed when it was ready. */
export function relayAddresses(endpoints: Readonly<Record<string, unknown>>): readonly string[] {
  const addresses = endpoints["addresses"];
  if (!Array.isArray(addresses)) throw new Error("the relay names its addresses when it is ready");
  return addresses as string[];
}

export function registryProgram(layout: GridLayout): ProgramSpec {
  const { configFile } = writeRegistryFiles(layout);
  return {
    name: "registry",
    command: ["docker-registry", "serve", configFile],
    ready: { kind: "probe", probe: (signal) => registryServes(layout, signal) },
    startTimeoutMs: START_TIMEOUT_MS,
    // Without a trace exporter the registry would try to reach one on localhost for ever.
    env: { ...process.env, OTEL_TRACES_EXPORTER: "none" },
  };
}

export interface ExplorerProgram {
  readonly layout: GridLayout;
  readonly keys: GridKeys;
  /** What the page needs to plan, sign and deploy by itself. */
  readonly grid: PublicGrid;
}

export async function explorerProgram({ layout, keys, grid }: ExplorerProgram): Promise<ProgramSpec> {
  return own({
    layout,
    name: "explorer",
    program: fileURLToPath(new URL("explorer-program.ts", import.meta.url)),
    args: ["--registries-conf", layout.files.registriesConf],
    config: {
      chain: chainAccessOf(layout, keys, TURN.explorer),
      dataDir: join(layout.stateDir, "explorer"),
      host: "127.0.0.1",
      port: await freePort(layout.ports.explorer),
      staticDir: fileURLToPath(new URL("../../../dashboard/dist", import.meta.url)),
      grid: publicGrid.toJson(grid),
    },
  });
}

export function explorerUrl(supervisor: Supervisor): string {
  const url = supervisor.status().find((program) => program.name === "explorer")?.endpoints["http"];
  if (url === undefined) throw new Error("the explorer names its address when it is ready");
  return url;
}

export function agentProgram(layout: GridLayout, keys: GridKeys): ProgramSpec {
  return own({
    layout,
    name: "agent",
    program: room("it-contract"),
    config: { chain: chainAccessOf(layout, keys, TURN.agent), notary: { urls: [notaryUrl(layout)] }, mnemonicFile: mnemonicFile(layout.files.keys, "agent") },
  });
}

/** What each machine of the local grid offers, so that several share the real one's memory and disk honestly. */
const NODE_CAPACITY = { cpuMilli: 2000, memoryBytes: 2 * 1024 ** 3, ssdBytes: 20 * 1024 ** 3, hddBytes: 0 } as const;

export interface NodeProgramOptions {
  readonly layout: GridLayout;
  readonly node: NodeLayout;
  readonly keys: GridKeys;
  readonly joinToken: JoinToken;
  readonly relays: readonly string[];
}

export function nodeProgram(options: NodeProgramOptions): ProgramSpec {
  const { layout, node, keys, joinToken, relays } = options;
  const spec = own({
    layout,
    name: `node-${node.name}`,
    program: room("zero-os"),
    // nsenter, not `ip netns exec`: that would also unshare the mount namespace, and the node's mounts with it.
    prefix: ["nsenter", `--net=/run/netns/${node.machine}`],
    config: {
      machine: node.machine,
      dataDir: node.dataDir,
      chain: chainAccessOf(layout, keys, layout.nodes.indexOf(node)),
      notary: { urls: [notaryUrl(layout)] },
      relays,
      joinToken,
      location: node.location,
      capacity: NODE_CAPACITY,
      registriesConf: layout.files.registriesConf,
      uplink: { iface: "eth0", address: node.address },
      meshPorts: { first: 20_000, last: 20_999 },
      dnsUpstreams: [],
      // One machine stands for all: a node that sleeps is a process that says nothing.
      power: "process",
      ...(node.role === "gateway" ? { gateway: { domain: layout.domain } } : {}),
    },
  });
  return { ...spec, startTimeoutMs: NODE_START_TIMEOUT_MS };
}
