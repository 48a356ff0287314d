/** The home folder of cometbft as values: keys, genesis and configuration. Only `writeHome` touches a disk. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type AccountId, type Hex, hexToBytes, keyPairFromSeed, sha256 } from "@tfgrid/primitives";
import { COMET_LIMITS } from "../../limits.ts";
import type { Validator } from "../../types/validators.ts";
import { COMETBFT_VERSION } from "./binary.ts";
import { appState } from "./genesis.ts";

export interface HomeFile {
  /** Below the home folder. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  /** Never written over: what it holds cannot be made again. */
  readonly keep: boolean;
}

const PRIVATE = 0o600;
const PUBLIC = 0o644;
const ADDRESS_BYTES = 20;
const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** First 20 bytes of the SHA-256 of the public key: name of a validator, and of a node as `nodeId`. */
const addressOf = (publicKey: AccountId): string => Buffer.from(sha256(hexToBytes(publicKey)).subarray(0, ADDRESS_BYTES)).toString("hex");

/** As it stands before the `@` in `persistent_peers`. */
export const nodeIdOf = (nodeSeed: Uint8Array): string => addressOf(keyPairFromSeed(nodeSeed).account);

/** Go's Ed25519 private key is the seed and the public key after it. */
function privateKey(seed: Uint8Array): { readonly type: string; readonly value: string } {
  return { type: "tendermint/PrivKeyEd25519", value: base64(Buffer.concat([seed, hexToBytes(keyPairFromSeed(seed).account)])) };
}

const publicKey = (account: AccountId): { readonly type: string; readonly value: string } => ({ type: "tendermint/PubKeyEd25519", value: base64(hexToBytes(account)) });

/** @param seed 32 bytes; the validator's public key is `keyPairFromSeed(seed).account` */
export function validatorKeyFile(seed: Uint8Array): HomeFile {
  const { account } = keyPairFromSeed(seed);
  const text = json({ address: addressOf(account).toUpperCase(), pub_key: publicKey(account), priv_key: privateKey(seed) });
  return { path: "config/priv_validator_key.json", text, mode: PRIVATE, keep: true };
}

/** What the validator signed last: losing it would let the validator sign twice, so it is never written over. */
export const validatorStateFile: HomeFile = {
  path: "data/priv_validator_state.json",
  text: json({ height: "0", round: 0, step: 0 }),
  mode: PRIVATE,
  keep: true,
};

export const nodeKeyFile = (seed: Uint8Array): HomeFile => ({ path: "config/node_key.json", text: json({ priv_key: privateKey(seed) }), mode: PRIVATE, keep: true });

export interface CometGenesisOptions {
  /** At most 50 characters. */
  readonly chainId: string;
  /** Of the ledger's genesis: `genesisHashOf(genesis, "cometbft")`. */
  readonly genesisHash: Hex;
  /** Time of the genesis: the first block's. Must be the same for all. */
  readonly timeMs: number;
  /** Those of the ledger's genesis. */
  readonly validators: readonly Validator[];
  /** Height of the first block: one more than the exported chain's for a chain that goes on. */
  readonly firstHeight?: number;
}

/** Two weeks: as long as light clients trust a validator set, its misbehaviour can be proven. */
const EVIDENCE_NS = 14 * 24 * 3_600 * 1_000_000_000;
const EVIDENCE_BLOCKS = 100_000;
const EVIDENCE_BYTES = 256 * 1024;
/** Header, last commit of a hundred validators and evidence beside the transactions. */
const BLOCK_OVERHEAD_BYTES = 1024 * 1024;

export function genesisFile(options: CometGenesisOptions): HomeFile {
  const { chainId, genesisHash, timeMs, validators, firstHeight = 1 } = options;
  const text = json({
    genesis_time: new Date(timeMs).toISOString(),
    chain_id: chainId,
    initial_height: String(firstHeight),
    consensus_params: {
      block: { max_bytes: String(COMET_LIMITS.blockBytes + BLOCK_OVERHEAD_BYTES), max_gas: "-1" },
      evidence: { max_age_num_blocks: String(EVIDENCE_BLOCKS), max_age_duration: String(EVIDENCE_NS), max_bytes: String(EVIDENCE_BYTES) },
      validator: { pub_key_types: ["ed25519"] },
      version: { app: "1" },
      abci: { vote_extensions_enable_height: "0" },
    },
    validators: validators.map(({ publicKey: key, power }) => ({
      address: addressOf(key).toUpperCase(),
      pub_key: publicKey(key),
      power: String(power),
      name: "",
    })),
    app_hash: "",
    app_state: appState(genesisHash),
  });
  return { path: "config/genesis.json", text, mode: PUBLIC, keep: true };
}

/** Timeouts in ms. All validators of a chain must use the same: who waits less earns more, and makes others' proposals fail. */
export interface Pace {
  /** Pause after a block before the next. */
  readonly commitMs: number;
  readonly proposeMs: number;
  readonly voteMs: number;
  /**
   * While nothing happens a block comes this often. The time of a block is when its predecessor was signed, so it is also how far
   * a bill or a heartbeat after a quiet while may be behind. With an absent proposer's `proposeMs` it stays well below a part of
   * the heartbeat interval (`PULSE`) and below `COMET_LIMITS.stallMs`.
   */
  readonly idleMs: number;
}

export const PACES = {
  /** One machine or one room: a block about every 0.3 s while there is work. */
  local: { commitMs: 200, proposeMs: 1_000, voteMs: 500, idleMs: 1_000 },
  /** Over the Internet. */
  wide: { commitMs: 1_000, proposeMs: 3_000, voteMs: 1_000, idleMs: 3_000 },
} as const satisfies Readonly<Record<string, Pace>>;

export interface CometSettings {
  readonly moniker?: string;
  readonly pace?: Pace;
  /** Where other validators reach this one: `tcp://HOST:PORT`. */
  readonly p2pListen: string;
  /** `HOST:PORT` that others are told, when it is another one. */
  readonly p2pExternal?: string;
  /** `NODEID@HOST:PORT` of each. */
  readonly peers: readonly string[];
  readonly stateSync?: {
    /** Two at least: each `http://HOST:PORT` of a cometbft. */
    readonly rpcServers: readonly string[];
    readonly trustHeight: number;
    readonly trustHash: Hex;
  };
}

const duration = (ms: number): string => `${ms}ms`;
/** TOML's basic strings escape as JSON does. */
const quote = (text: string): string => JSON.stringify(text);
/** A fifth of a second or more of one validator's network should not stop it. */
const SEND_BYTES_PER_SECOND = 50 * 1024 * 1024;
const SNAPSHOT_CHUNK_TIMEOUT_S = 15;

/** Addresses of ABCI and RPC are not here: they are given at each start. */
export function configFile(settings: CometSettings): HomeFile {
  const { moniker = "tfchain", pace = PACES.local, p2pListen, p2pExternal = "", peers, stateSync } = settings;
  const sections: Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>> = {
    rpc: { max_open_connections: 64, max_request_batch_size: 0, max_body_bytes: COMET_LIMITS.answerBytes, pprof_laddr: "", unsafe: false, grpc_laddr: "" },
    p2p: {
      laddr: p2pListen,
      external_address: p2pExternal,
      persistent_peers: peers.join(","),
      persistent_peers_max_dial_period: "5s",
      // Several validators may share a machine, and private ranges are where test networks live.
      addr_book_strict: false,
      allow_duplicate_ip: true,
      flush_throttle_timeout: "10ms",
      send_rate: SEND_BYTES_PER_SECOND,
      recv_rate: SEND_BYTES_PER_SECOND,
      max_packet_msg_payload_size: 16_384,
    },
    mempool: {
      type: "flood",
      size: COMET_LIMITS.mempoolTxs,
      max_txs_bytes: COMET_LIMITS.mempoolBytes,
      max_tx_bytes: COMET_LIMITS.txBytes,
      cache_size: 2 * COMET_LIMITS.mempoolTxs,
      recheck: true,
      recheck_timeout: "5s",
    },
    statesync: {
      enable: stateSync !== undefined,
      rpc_servers: (stateSync?.rpcServers ?? []).join(","),
      trust_height: stateSync?.trustHeight ?? 0,
      trust_hash: stateSync?.trustHash ?? "",
      trust_period: "336h0m0s",
      discovery_time: "5s",
      chunk_request_timeout: `${SNAPSHOT_CHUNK_TIMEOUT_S}s`,
    },
    consensus: {
      timeout_propose: duration(pace.proposeMs),
      timeout_propose_delta: duration(Math.ceil(pace.proposeMs / 4)),
      timeout_prevote: duration(pace.voteMs),
      timeout_prevote_delta: duration(Math.ceil(pace.voteMs / 4)),
      timeout_precommit: duration(pace.voteMs),
      timeout_precommit_delta: duration(Math.ceil(pace.voteMs / 4)),
      timeout_commit: duration(pace.commitMs),
      // The ledger's clock is its blocks, so they never cease. One that changed the state is followed by one that proves it at once;
      // otherwise, and without transactions, cometbft waits this long.
      create_empty_blocks: true,
      create_empty_blocks_interval: duration(pace.idleMs),
      peer_gossip_sleep_duration: "20ms",
      peer_query_maj23_sleep_duration: "1s",
    },
    // The ledger keeps blocks, results and events itself.
    storage: { discard_abci_responses: true },
    tx_index: { indexer: "null" },
    instrumentation: { prometheus: false },
  };
  const lines = [`version = ${quote(COMETBFT_VERSION)}`, `moniker = ${quote(moniker)}`, 'log_level = "error"', 'log_format = "plain"', 'abci = "socket"', ""];
  for (const [name, values] of Object.entries(sections)) {
    lines.push(`[${name}]`, ...Object.entries(values).map(([key, value]) => `${key} = ${typeof value === "string" ? quote(value) : value}`), "");
  }
  return { path: "config/config.toml", text: lines.join("\n"), mode: PUBLIC, keep: false };
}

export interface CometHomeOptions {
  readonly genesis: CometGenesisOptions;
  /** 32 bytes each. A node that is no validator has a key too: governance may make it one. */
  readonly validatorSeed: Uint8Array;
  readonly nodeSeed: Uint8Array;
  readonly settings: CometSettings;
}

export const cometHome = ({ genesis, validatorSeed, nodeSeed, settings }: CometHomeOptions): readonly HomeFile[] => [
  genesisFile(genesis),
  validatorKeyFile(validatorSeed),
  validatorStateFile,
  nodeKeyFile(nodeSeed),
  configFile(settings),
];

/** Makes what is missing and renews what may be renewed; keys and the validator's memory are never written over. */
export function writeHome(home: string, files: readonly HomeFile[]): void {
  for (const { path, text, mode, keep } of files) {
    const file = join(home, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    if (!keep || !existsSync(file)) writeFileSync(file, text, { mode });
  }
}
