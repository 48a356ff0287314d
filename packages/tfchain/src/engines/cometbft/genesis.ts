/** The ledger's side of the beginning: what it keeps before the first block, and what it compares cometbft's genesis with. */
import { type Hex, decodeTrusted, encode, hexToBytes } from "@tfgrid/primitives";
import type { Runtime } from "../../runtime/api.ts";
import type { StateStore, Storage, WriteOp } from "../../state/index.ts";
import { type Head, head as headSchema } from "../../types/index.ts";
import type { BlockStore } from "../block-store.ts";
import { requireGenesis } from "../genesis.ts";
import { cometErrors } from "./errors.ts";

const HEAD_KEY = "comet-head";
/** There is no block before the first: its hash is zero bytes, as `solo` writes it. */
const NO_BLOCK = "00".repeat(32) as Hex;
const ABCI_MAJOR = "2";

export interface GenesisOptions {
  readonly storage: Storage;
  readonly runtime: Pick<Runtime, "initGenesis" | "queries">;
  readonly chainId: string;
  readonly genesis: unknown;
  readonly genesisHash: Hex;
  /** Of the state before the first block: not 0 for a chain that goes on from another's export. */
  readonly start: { readonly height: number; readonly timeMs: number };
  readonly blocks: BlockStore;
}

/** @throws GridError chain.genesis_mismatch */
export function readHead({ storage, genesisHash }: Pick<GenesisOptions, "storage" | "genesisHash">): Head | undefined {
  if (storage.get("meta", "genesis-hash") === undefined) return undefined;
  requireGenesis(storage, genesisHash);
  const kept = storage.get("meta", HEAD_KEY);
  return kept === undefined ? undefined : decodeTrusted(headSchema, kept);
}

export const storeHead = (head: Head): WriteOp => ({ table: "meta", key: HEAD_KEY, value: encode(headSchema, head) });

/** Before there is a state: what cometbft is told is that nothing is committed. */
export function emptyHead({ chainId, start }: Pick<GenesisOptions, "chainId" | "start">): Head {
  return { chainId, height: start.height as Head["height"], timeMs: start.timeMs, appHash: NO_BLOCK, blockHash: NO_BLOCK };
}

export interface RestoredOptions extends Pick<GenesisOptions, "chainId" | "genesisHash" | "blocks"> {
  readonly height: number;
  readonly appHash: Hex;
}

/** What belongs to a state that came from a snapshot. Time and hash of its block are not in it: the next block brings them. */
export function restoredOps({ chainId, genesisHash, blocks, height, appHash }: RestoredOptions): readonly WriteOp[] {
  const head: Head = { chainId, height: height as Head["height"], timeMs: 0, appHash, blockHash: NO_BLOCK };
  return [storeHead(head), ...blocks.beginOps(height), genesisOp(genesisHash)];
}

const genesisOp = (genesisHash: Hex): WriteOp => ({ table: "meta", key: "genesis-hash", value: hexToBytes(genesisHash) });

/** The state before the first block, in one write: the same as `solo` makes. @throws GridError genesis.invalid */
export function writeGenesis(options: GenesisOptions, state: StateStore): Head {
  const { storage, runtime, chainId, genesis, genesisHash, start, blocks } = options;
  const draft = state.draft();
  runtime.initGenesis(draft, genesis, { chainId, ...start });
  if (runtime.queries(draft).validatorSet().validators.length === 0) {
    throw cometErrors.fail("cometbft.bad_home", { message: "The genesis names no validators: with this engine nobody would make blocks." });
  }
  const sealed = draft.seal(start.height);
  const head: Head = { chainId, height: start.height as Head["height"], timeMs: start.timeMs, appHash: sealed.root, blockHash: NO_BLOCK };
  storage.write([...sealed.ops, storeHead(head), ...blocks.beginOps(start.height), genesisOp(genesisHash)]);
  sealed.adopt();
  return head;
}

/** What cometbft's genesis carries of ours: only the hash, so that there is one genesis and not two. */
export const appState = (genesisHash: Hex): { readonly genesisHash: Hex } => ({ genesisHash });

/** Empty text when there is none. */
export function appStateHash(bytes: Uint8Array): string {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    const hash = typeof value === "object" && value !== null && "genesisHash" in value ? value.genesisHash : "";
    return typeof hash === "string" ? hash : "";
  } catch {
    return "";
  }
}

/** @throws GridError cometbft.wrong_version */
export function requireAbci(version: string): void {
  if (version.split(".")[0] === ABCI_MAJOR) return;
  throw cometErrors.fail("cometbft.wrong_version", { message: `cometbft speaks ABCI ${version || "of an unknown version"}, this ledger ${ABCI_MAJOR}.x.`, details: { abciVersion: version } });
}
