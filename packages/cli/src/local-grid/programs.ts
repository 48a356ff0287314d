/** The programs of a local grid: how each is started and configured. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UNITS_PER_TFT, bytesToHex } from "@tfgrid/primitives";
import { type PublicGrid, publicGrid } from "@tfgrid/explorer";
import { type JoinToken, runtime } from "@tfgrid/tfchain";
import type { GridKeys } from "./keys.ts";
import { mnemonicFile } from "./keys.ts";
import { type GridLayout, type NodeLayout, REGISTRY_NAME } from "./layout.ts";
import { freePort } from "./forwarder.ts";
import { registryServes, registryUrl as registryUrlOf, writeRegistryFiles } from "./registry.ts";
import { writeFileDurably, writeJson } from "./state-files.ts";
import type { ProgramSpec, Supervisor } from "./supervisor.ts";

export const registryName = REGISTRY_NAME;
export const registryUrl = registryUrlOf;
export const chainIdOf = (layout: GridLayout): string => `local-${layout.gridId}`;
export const chainUrl = (layout: GridLayout): string => `http://${layout.hostAddress}:${layout.ports.chain}`;
export const notaryUrl = (layout: GridLayout): string => `http://${layout.hostAddress}:${layout.ports.notary}`;

const START_TIMEOUT_MS = 30_000;
/** Booting includes registration on the ledger. */
const NODE_START_TIMEOUT_MS = 60_000;
/** A rich start for a grid to play with. */
const GENESIS_TFT = { user: 1_000_000n, farmer: 1_000n, agent: 10_000n } as const;
/**
 * V8 keeps a heap of several hundred MB before it collects in earnest; services that idle most of the time are asked to
 * collect early instead, because a whole grid shares one machine here.
 */
const NODE_FLAGS = ["--max-semi-space-size=1", "--max-old-space-size=256", "--optimize-for-size"] as const;

const room = (name: string): string => fileURLToPath(new URL(`../../../${name}/src/main.ts`, import.meta.url));

interface OwnProgram {
  readonly layout: GridLayout;
  readonly name: string;
  /** The TypeScript file that runs. */
  readonly program: string;
  readonly config: unknown;
  /** Further arguments after `--config FILE`. */
  readonly args?: readonly string[];
  /** What runs Node, for example in another namespace. */
  readonly prefix?: readonly string[];
}

function own(options: OwnProgram): ProgramSpec {
  const { layout, name, program, config, args = [], prefix = [] } = options;
  const configFile = join(layout.files.configs, `${name}.json`);
  writeJson(configFile, config, 0o600);
  return {
    name,
    command: [...prefix, process.execPath, ...NODE_FLAGS, program, "--config", configFile, ...args],
    ready: { kind: "line" },
    startTimeoutMs: START_TIMEOUT_MS,
    // The launcher's compile cache (NODE_COMPILE_CACHE) is inherited; few malloc arenas, because idle threads keep theirs.
    env: { ...process.env, NODE_NO_WARNINGS: "1", MALLOC_ARENA_MAX: "2" },
  };
}

const trustOf = (layout: GridLayout, keys: GridKeys): { chainId: string; authority: string } => ({ chainId: chainIdOf(layout), authority: keys.authority.account });

export function chainProgram(layout: GridLayout, keys: GridKeys): ProgramSpec {
  const genesisFile = ensureGenesis(layout, keys);
  const authoritySeedFile = join(layout.files.keys, "authority.seed");
  writeFileDurably(authoritySeedFile, bytesToHex(keys.authority.secretSeed), 0o600);
  return own({
    layout,
    name: "chain",
    program: room("tfchain"),
    config: { dataDir: join(layout.stateDir, "chain"), genesisFile, authoritySeedFile, host: layout.hostAddress, port: layout.ports.chain },
  });
}

/** Made once: a chain goes on from the genesis that it began with, also after an update that would begin differently. */
function ensureGenesis(layout: GridLayout, keys: GridKeys): string {
  const file = join(layout.stateDir, "genesis.json");
  if (existsSync(file)) return file;
  const genesis = runtime.defaultGenesis({
    chainId: chainIdOf(layout),
    foundation: keys.foundation.account,
    validatorsPool: keys.validators.account,
    accounts: Object.entries(GENESIS_TFT).map(([role, tft]) => ({ id: keys[role as keyof typeof GENESIS_TFT].account, freeUnits: tft * UNITS_PER_TFT })),
    preset: "local",
  });
  writeJson(file, runtime.genesisToJson(genesis));
  return file;
}

export function notaryProgram(layout: GridLayout, keys: GridKeys): ProgramSpec {
  return own({
    layout,
    name: "notary",
    program: room("notary"),
    config: { dataDir: join(layout.stateDir, "notary"), host: layout.hostAddress, port: layout.ports.notary, chain: { url: chainUrl(layout), ...trustOf(layout, keys) } },
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
      chain: { url: chainUrl(layout), trust: trustOf(layout, keys) },
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
    config: { chain: { url: chainUrl(layout), trust: trustOf(layout, keys) }, notary: { urls: [notaryUrl(layout)] }, mnemonicFile: mnemonicFile(layout.files.keys, "agent") },
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
      chain: { url: chainUrl(layout), ...trustOf(layout, keys) },
      notary: { urls: [notaryUrl(layout)] },
      relays,
      joinToken,
      location: node.location,
      capacity: NODE_CAPACITY,
      registriesConf: layout.files.registriesConf,
      uplink: { iface: "eth0", address: node.address },
      meshPorts: { first: 20_000, last: 20_999 },
      dnsUpstreams: [],
      ...(node.role === "gateway" ? { gateway: { domain: layout.domain } } : {}),
    },
  });
  return { ...spec, startTimeoutMs: NODE_START_TIMEOUT_MS };
}
