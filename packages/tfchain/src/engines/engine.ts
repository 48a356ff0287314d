/** What orders transactions into blocks. `solo` and `cometbft` look the same from here. */
import { type ErrorDetails, type Hex, type Infer, type Schema, s, schemaErrors } from "@tfgrid/primitives";
import { type SignedHeader, signedHeader } from "../light/signed-header.ts";
import type { ProvenValue } from "../light/proven.ts";
import type { StateStore } from "../state/index.ts";
import { accountId, height, key32, timeMs } from "../types/entities.ts";
import { event } from "../types/events.ts";
import type { Head } from "../types/index.ts";

/** Bounds one error's details as `ErrorDetails` does: a flat map of plain values. */
const errorDetails: Schema<ErrorDetails> = {
  fromCbor: checkDetails,
  toCbor: checkDetails,
  fromJson: checkDetails,
  toJson: (value) => value,
  jsonSchema: () => ({ type: "object", additionalProperties: { type: ["string", "number", "boolean", "null", "array"] } }),
};

function checkDetails(value: unknown, path = ""): ErrorDetails {
  const flat = (entry: unknown): boolean =>
    entry === null || ["string", "number", "boolean"].includes(typeof entry) || (Array.isArray(entry) && entry.every((item) => typeof item === "string"));
  if (typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(flat)) return value as ErrorDetails;
  throw schemaErrors.fail("codec.invalid_value", { message: `${path || "value"}: expected a flat map`, details: { path } });
}

export const wireError = s.struct({
  code: s.text({ maxLength: 64 }),
  message: s.text({ maxLength: 4_096 }),
  cure: s.text({ maxLength: 1_024 }),
  details: s.optional(errorDetails),
});

/** A transaction that is final: where it is and how it ended. */
export const txResult = s.struct({
  hash: key32,
  height,
  timeMs,
  signer: accountId,
  nonce: s.uint(),
  ok: s.bool,
  feeUnits: s.units(),
  events: s.list(event, { max: 1_000_000 }),
  error: s.optional(wireError),
});
export type TxResult = Infer<typeof txResult>;

export const blockInfo = s.struct({ signedHeader, hash: key32, txs: s.list(key32, { max: 1_000_000 }) });
export type BlockInfo = Infer<typeof blockInfo>;

/** What a commit tells its listeners. `eventsJson` is the block's EventBlock as JSON text; undefined when nothing happened in it. */
export interface CommittedBlock {
  readonly head: Head;
  readonly eventsJson: string | undefined;
}

export interface EventRow {
  readonly height: number;
  readonly json: string;
}

/** How an engine fares. */
export const engineStatus = s.struct({
  engine: s.oneOf(["solo", "cometbft"]),
  chainId: s.text({ maxLength: 64 }),
  height,
  timeMs,
  firstRetainedHeight: height,
  /** Transactions that wait for a block. */
  pending: s.uint(),
  /** Keys that make blocks. */
  validators: s.uint(),
  /** Other machines that this one is connected to. */
  peers: s.uint(),
  /** Behind the others: what this server answers is old. */
  catchingUp: s.bool,
  /** Time of the last block when none has come for longer than there should be: too few validators reach each other. */
  stalledSinceMs: s.nullable(timeMs),
});
export type EngineStatus = Infer<typeof engineStatus>;

/** `NODEID@HOST:PORT`, as cometbft names who it connects to. */
export const PEER = /^[0-9a-f]{40}@[^\s,@"]{1,253}:\d{1,5}$/;

/** What a server needs that wants to take part in the chain. */
export const invitation = s.struct({
  /** The ledger's genesis as JSON text. */
  genesis: s.text({ maxLength: 64 * 1024 * 1024 }),
  genesisTimeMs: timeMs,
  /** This server and those that it is connected to. */
  peers: s.list(s.text({ maxLength: 320, pattern: PEER }), { max: 1_000 }),
});
export type Invitation = Infer<typeof invitation>;

/** For servers that join. */
export interface ChainGate {
  invitation(): Promise<Invitation>;
  /** One JSON-RPC request of cometbft's light client, answered in cometbft's words. @throws GridError rpc.unknown_method, rpc.too_many_requests */
  ask(request: unknown): Promise<string>;
}

export interface Engine {
  /** Only where others can take part. */
  readonly gate?: ChainGate;
  /**
   * Answers when the transaction is in a committed block; the same bytes sent again get the same answer.
   * @throws GridError codec.*, tx.*, mempool.*, chain.stopped
   */
  submit(tx: Uint8Array): Promise<TxResult>;
  head(): Head;
  /** Of the head: what its `appHash` proves. */
  signedHeader(): SignedHeader;
  /** The state at the head. */
  readonly state: StateStore;
  /** @throws GridError chain.height_pruned, chain.height_unknown */
  block(height: number): BlockInfo;
  tx(hash: Hex): TxResult | undefined;
  /** Blocks with events, ascending, from a height on. @throws GridError chain.height_pruned */
  events(from: number, limit: number): EventRow[];
  firstRetainedHeight(): number;
  /** Called right after each commit, in order. Returns the way to stop it. */
  onBlock(listener: (block: CommittedBlock) => void): () => void;
  /** Transactions that wait for a block. */
  pending(): number;
  /**
   * The value of a key in the state as it is now, or a little later, with its proof and the header that it meets.
   * @throws GridError chain.height_unknown before the first block is signed
   */
  prove(key: string): Promise<ProvenValue>;
  status(): EngineStatus;
  stop(): Promise<void>;
}
