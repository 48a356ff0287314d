/**
 * Folders from which servers of a chain start: configuration, genesis and keys. Nothing that cannot be made again is ever
 * written over, so that writing a folder anew (other ports, other peers) is safe.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type JsonValue, type KeyPair, bytesToHex } from "@tfgrid/primitives";
import type { ChainAccess } from "./access.ts";
import { type CometSettings, type Pace, cometHome, nodeIdOf, writeHome } from "./engines/cometbft/home.ts";
import { genesisHashOf } from "./engines/index.ts";
import { chainErrors } from "./light/errors.ts";
import { addressOf, validatorsHash } from "./light/index.ts";
import { type Genesis, genesisStart, genesisToJson } from "./runtime/index.ts";
import type { Validator } from "./types/index.ts";

export const CONFIG_FILE = "chain.json";
/**
 * Of Node, for a server that has a machine to itself. With V8's own 16 MB for young values, those of waiting transactions are
 * copied again and again before they die: a tenth of a validator's processor time under full load. It takes the room above 16 MB
 * only then. One thread collects young values, in 16 MB from the start: several wait for each other's last pieces, and V8's threads of
 * a ledger that makes one block a second took twice as much.
 */
export const SERVER_FLAGS = ["--no-parallel-scavenge", "--min-semi-space-size=16", "--max-semi-space-size=64"] as const;
const GENESIS_FILE = "genesis.json";
const DATA_DIR = "data";
const COMET_HOME = "cometbft";
const PRIVATE = 0o600;

interface ServerFolder {
  readonly folder: string;
  /** Where the RPC listens. */
  readonly host: string;
  readonly rpcPort: number;
  readonly genesis: Genesis;
}

/** @throws GridError chain.genesis_mismatch when the folder belongs to another genesis */
export function writeSoloServer({ folder, host, rpcPort, genesis, authority }: ServerFolder & { readonly authority: KeyPair }): string {
  prepare(folder, genesis);
  const authoritySeedFile = "authority.seed";
  writeFileSync(join(folder, authoritySeedFile), bytesToHex(authority.secretSeed), { mode: PRIVATE });
  return writeConfig(folder, { dataDir: DATA_DIR, genesisFile: GENESIS_FILE, host, port: rpcPort, authoritySeedFile });
}

export interface CometServer {
  readonly folder: string;
  /** Where the RPC listens, and where the other servers reach this one. */
  readonly host: string;
  readonly rpcPort: number;
  readonly p2pPort: number;
  /** 32 bytes each. A server that is no validator has a key too: governance may make it one. */
  readonly validatorSeed: Uint8Array;
  readonly nodeSeed: Uint8Array;
  /** Where all of cometbft's own RPC answers. Left out: only its own ledger's program. */
  readonly cometRpcPort?: number;
  /** Blocks from one snapshot for servers that join to the next. Left out: `COMET_LIMITS.snapshotBlocks`. */
  readonly snapshotBlocks?: number;
}

export interface CometServerOptions {
  readonly server: CometServer;
  readonly genesis: Genesis;
  /** Of the genesis; the same for all servers. */
  readonly timeMs: number;
  /** `NODEID@HOST:PORT` of others. */
  readonly peers: readonly string[];
  /** The same for all servers. */
  readonly pace: Pace;
  readonly stateSync?: CometSettings["stateSync"];
}

export const peerOf = ({ nodeSeed, host, p2pPort }: Pick<CometServer, "nodeSeed" | "host" | "p2pPort">): string => `${nodeIdOf(nodeSeed)}@${hostInUrl(host)}:${p2pPort}`;

/** @throws GridError chain.genesis_mismatch when the folder belongs to another genesis */
export function writeCometServer({ server, genesis, timeMs, peers, pace, stateSync }: CometServerOptions): string {
  const { folder, host, rpcPort, p2pPort, validatorSeed, nodeSeed, cometRpcPort, snapshotBlocks } = server;
  prepare(folder, genesis);
  const genesisHash = genesisHashOf(genesisToJson(genesis), "cometbft");
  const home = cometHome({
    genesis: { chainId: genesis.chainId, genesisHash, timeMs, validators: genesis.validators ?? [], firstHeight: genesisStart(genesis).height + 1 },
    validatorSeed,
    nodeSeed,
    settings: { p2pListen: `tcp://${hostInUrl(host)}:${p2pPort}`, peers: peers.filter((peer) => peer !== peerOf(server)), pace, ...(stateSync === undefined ? {} : { stateSync }) },
  });
  writeHome(join(folder, COMET_HOME), home);
  const engine = {
    kind: "cometbft",
    home: COMET_HOME,
    ...(cometRpcPort === undefined ? {} : { rpc: { host, port: cometRpcPort } }),
    ...(snapshotBlocks === undefined ? {} : { snapshotBlocks }),
  };
  return writeConfig(folder, { dataDir: DATA_DIR, genesisFile: GENESIS_FILE, host, port: rpcPort, engine });
}

/** What clients of a chain with validators believe without asking: the validators of its genesis. */
export function trustInValidators(chainId: string, validators: readonly Validator[]): ChainAccess["trust"] {
  const inOrder = validators
    .map(({ publicKey, power }) => ({ publicKey, power: BigInt(power), address: addressOf(publicKey) }))
    // CometBFT's order: by power, then by address.
    .sort((a, b) => (a.power === b.power ? (a.address < b.address ? -1 : 1) : a.power > b.power ? -1 : 1));
  return { chainId, validatorsHash: validatorsHash(inOrder) };
}

function prepare(folder: string, genesis: Genesis): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, GENESIS_FILE);
  const value = genesisToJson(genesis);
  if (!existsSync(file)) return writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`);
  const kept = JSON.parse(readFileSync(file, "utf8")) as JsonValue;
  if (contentHash(kept) !== contentHash(value)) throw chainErrors.fail("chain.genesis_mismatch", { message: `${folder} belongs to another genesis.`, details: { folder } });
}

/** Whether the server of this folder needs the program cometbft beside it. */
export const needsCometBft = (folder: string): boolean => existsSync(join(folder, COMET_HOME));

const contentHash = (genesis: JsonValue): string => genesisHashOf(genesis, "cometbft");

function writeConfig(folder: string, config: unknown): string {
  const file = join(folder, CONFIG_FILE);
  writeFileSync(file, `${JSON.stringify(config, undefined, 2)}\n`, { mode: PRIVATE });
  return file;
}

/** Where clients reach the RPC of a server. */
export const rpcUrlOf = ({ host, rpcPort }: Pick<ServerFolder, "host" | "rpcPort">): string => `http://${hostInUrl(host)}:${rpcPort}`;

const hostInUrl = (host: string): string => (host.includes(":") ? `[${host}]` : host);
