/**
 * The border between the pure runtime and whoever orders blocks and keeps bytes. Keys are ASCII text in byte order,
 * values canonical DAG-CBOR. Nothing here knows time, randomness, files or sockets.
 */
import type { Hex } from "@tfgrid/primitives";
import type { ChainEvent, ChainReader, Contract, ContractPage, MisbehaviourReport, SignedTransaction, Solution, SolutionPage } from "../types/index.ts";

export interface StateReader {
  /** The bytes are the caller's to keep: never reused or changed afterwards. */
  get(key: string): Uint8Array | undefined;
  /** Ascending by key, from `gte` inclusive to `lt` exclusive. Sees the writes of the same transaction. */
  range(options: {
    readonly gte: string;
    readonly lt: string;
    readonly limit?: number;
  }): Iterable<readonly [key: string, value: Uint8Array]>;
}

export interface StateWriter extends StateReader {
  set(key: string, value: Uint8Array): void;
  delete(key: string): void;
}

export interface BlockContext {
  readonly chainId: string;
  readonly height: number;
  /** Never smaller than the block before. */
  readonly timeMs: number;
  /** What consensus proved against validators and this block carries. Part of the block: a replay must give it again. */
  readonly misbehaviour?: readonly MisbehaviourReport[];
}

/** How one transaction ended. A refused one changes nothing but the signer's nonce and fee. */
export interface TxOutcome {
  readonly hash: Hex;
  readonly ok: boolean;
  readonly feeUnits: bigint;
  readonly events: readonly ChainEvent[];
  /** Present when not ok: stable code, sentence, cure, JSON-safe details. */
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly cure: string;
    readonly details?: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
  };
}

type Sync<F> = F extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never;
/** `ChainReader` over one state, without promises: what the RPC serves. The engine answers `head` itself. */
export type StateQueries = { readonly [K in Exclude<keyof ChainReader, "head">]: Sync<ChainReader[K]> } & {
  /** As `contracts`, but looks at so many rows at most. */
  readonly contractsSlice: (page: ContractPage, lookAt: number) => Slice<Contract>;
  readonly solutionsSlice: (page: SolutionPage, lookAt: number) => Slice<Solution>;
};

/** Part of a list. */
export interface Slice<T> {
  readonly rows: readonly T[];
  /** How the list goes on when it was not looked through to its end, nor as many rows found as were asked for. */
  readonly next?: { readonly after: number; readonly limit: number };
}

/** Where the entities that clients ask proofs for are kept: part of the ledger's format, so that a light client knows it too. */
export interface StateKeys {
  twin(id: number): string;
  node(id: number): string;
  contract(id: number): string;
  solution(id: number): string;
}

/**
 * Strict decoding result; the signature is checked by the engine (which may use other threads) over `signBytes`: the exact
 * bytes that were signed, domain label included (`domainBytes("tfgrid/tx/v1", body)`).
 */
export interface DecodedTx {
  readonly tx: SignedTransaction;
  readonly hash: Hex;
  readonly signBytes: Uint8Array;
  /** Length of the encoded transaction: what its fee counts. */
  readonly sizeBytes: number;
}

export interface Runtime {
  /** @throws GridError tx.* codec.* on malformed, oversized or non-canonical bytes */
  decodeTx(bytes: Uint8Array, maxBytes: number): DecodedTx;
  initGenesis(state: StateWriter, genesis: unknown, context: BlockContext): void;
  /** Chain id, expiry, account, nonce, fee, free-report quota: what a mempool asks. @throws GridError tx.* */
  checkTx(state: StateReader, context: BlockContext, decoded: DecodedTx, pendingNonce?: number): void;
  /**
   * Does this program know the rules of the block at this height? Asked when a state is opened and before each block; `beginBlock`
   * asks too. @throws GridError chain.upgrade_needed: nothing has happened yet, and nothing may
   */
  requireSupported(state: StateReader, height: number): void;
  /** Time-based work of this block, bounded: nodes down, bills due, grace over. A bug in one of them is told by `work.failed`. @throws what came from the machine */
  beginBlock(state: StateWriter, context: BlockContext): readonly ChainEvent[];
  /** Never throws for a bad transaction: that is an outcome. The caller checked the signature. */
  deliverTx(state: StateWriter, context: BlockContext, decoded: DecodedTx): TxOutcome;
  /** When the next time-based work is due, so that an idle engine knows when to make a block. */
  nextDueMs(state: StateReader): number | undefined;
  /** ms after a block within which those that nobody waits for should be in the next one. */
  gatherMs(state: StateReader): number;
  /** Nobody waits for its outcome, so `gatherMs` holds for it. Of a transaction that `checkTx` let in. */
  isPatient(state: StateReader, context: BlockContext, decoded: DecodedTx): boolean;
  queries(state: StateReader): StateQueries;
  /** Also exported from the runtime's door as the constant `stateKeys`, for light clients. */
  readonly keys: StateKeys;
  /** Violations of invariants (supply, capacity, escrow): empty when all is well. Cost grows with the state: tests and debug only. */
  invariants(state: StateReader): readonly string[];
}
