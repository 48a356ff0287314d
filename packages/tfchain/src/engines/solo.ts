/**
 * One authority that makes the blocks: when there is work, at most one each interval, and when time-based work is due. Making
 * a block is one synchronous step from the mempool to the disk, so nobody ever sees half of one.
 */
import { type Clock, type GridError, type Hex, type KeyPair, type Logger, bytesToHex, hasCode, hexToBytes } from "@tfgrid/primitives";
import { ENGINE_LIMITS } from "../limits.ts";
import { EMPTY_ROOT, type Header, type ProvenValue, type SignedHeader, type SoloHeader, chainErrors, factsOf, headerBytes, listRoot } from "../light/index.ts";
import type { BlockContext, Runtime, StateReader } from "../runtime/api.ts";
import { rowsOf } from "../runtime/index.ts";
import { type StateStore, type Storage, openState } from "../state/index.ts";
import { type Head, eventBlock } from "../types/index.ts";
import { Arrivals } from "./arrivals.ts";
import { BlockStore } from "./block-store.ts";
import type { BlockInfo, CommittedBlock, Engine, EngineStatus, EventRow, TxResult } from "./engine.ts";
import { type Execution, execute } from "./execute.ts";
import { requireGenesis } from "./genesis.ts";
import { Mempool, type PendingTx } from "./mempool.ts";

export interface SoloOptions {
  readonly storage: Storage;
  readonly runtime: Runtime;
  readonly chainId: string;
  /** What the runtime's `initGenesis` understands, and its hash. */
  readonly genesis: unknown;
  readonly genesisHash: Hex;
  /** After which block of another chain this one goes on (`genesisStart`); default: it begins at height 0. */
  readonly start?: { readonly height: number; readonly timeMs: number } | undefined;
  readonly authority: KeyPair;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly blockIntervalMs?: number | undefined;
  readonly idleBlockMs?: number | undefined;
  readonly retainedBlocks?: number | undefined;
  /** The disk or the runtime failed: nothing more can be committed. The engine has stopped; the program should end. */
  readonly onFatal: (error: unknown) => void;
}

const ZERO_HASH = bytesToHex(EMPTY_ROOT);
/** ms. Longest timer that is set: a changed clock is noticed after at most this long. */
const MAX_TIMER_MS = 60_000;
/** ms. How often a block is tried again while the disk is full. */
const FULL_DISK_RETRY_MS = 1_000;

class Solo implements Engine {
  readonly state: StateStore;
  readonly #options: SoloOptions;
  readonly #blocks: BlockStore;
  readonly #mempool = new Mempool();
  readonly #listeners = new Set<(block: CommittedBlock) => void>();
  readonly #intervalMs: number;
  #signed: SignedHeader;
  #head: Head;
  #maxTxBytes = 0;
  /** Of the head: what many transactions are checked against. */
  #rows: StateReader;
  readonly #arrivals = new Arrivals({ enter: (tx) => this.#enter(tx) });
  #timer: NodeJS.Timeout | undefined;
  #lastBlockAtMs: number;
  #stopped = false;
  /** Why the last block could not be written, until one can. */
  #diskFull: GridError | undefined;

  constructor(options: SoloOptions) {
    this.#options = options;
    this.#intervalMs = options.blockIntervalMs ?? ENGINE_LIMITS.blockIntervalMs;
    const { retainedBlocks = ENGINE_LIMITS.retainedBlocks } = options;
    this.#blocks = new BlockStore(options.storage, retainedBlocks);
    this.state = openState(options.storage, { retainedVersions: retainedBlocks });
    const height = this.#blocks.headHeight();
    if (height === undefined) this.#signed = this.#makeGenesis();
    else {
      requireGenesis(options.storage, options.genesisHash);
      this.#signed = this.#blocks.header(height);
    }
    this.#head = headOf(this.#signed);
    this.#rows = rowsOf(this.state);
    options.runtime.requireSupported(this.state, this.#head.height + 1);
    this.#readParams();
    this.#lastBlockAtMs = options.clock.nowMs();
    this.#schedule();
  }

  #makeGenesis(): SignedHeader {
    const { storage, runtime, chainId, genesis, genesisHash, start = { height: 0, timeMs: 0 } } = this.#options;
    const draft = this.state.draft();
    runtime.initGenesis(draft, genesis, { chainId, ...start });
    const sealed = draft.seal(start.height);
    const signed = this.#sign({ ...start, parentHash: ZERO_HASH, txsRoot: ZERO_HASH, appHash: sealed.root });
    const ops = this.#blocks.ops({ signed, txs: [], results: [], eventsJson: undefined });
    storage.write([...sealed.ops, ...ops, ...this.#blocks.beginOps(start.height), { table: "meta", key: "genesis-hash", value: hexToBytes(genesisHash) }]);
    sealed.adopt();
    return signed;
  }

  #sign(fields: { height: number; timeMs: number; parentHash: Hex; txsRoot: Hex; appHash: Hex }): SoloHeader {
    const { chainId, authority } = this.#options;
    const header = { chainId, ...fields, height: fields.height as Header["height"], authority: authority.account };
    return { type: "solo", header, signature: this.#options.authority.sign("tfgrid/header/v1", headerBytes(header)) };
  }

  head(): Head {
    return this.#head;
  }

  signedHeader(): SignedHeader {
    return this.#signed;
  }

  block(height: number): BlockInfo {
    const { raw: _raw, ...info } = this.#blocks.block(height);
    return info;
  }

  tx(hash: Hex): TxResult | undefined {
    return this.#blocks.tx(hash);
  }

  events(from: number, limit: number): EventRow[] {
    return this.#blocks.events(from, limit);
  }

  firstRetainedHeight(): number {
    return this.#blocks.firstHeight();
  }

  pending(): number {
    return this.#mempool.size;
  }

  prove(key: string): Promise<ProvenValue> {
    const { value, proof } = this.state.prove(key);
    const answer = { value: value === undefined ? null : bytesToHex(value), height: this.#head.height, proof, signedHeader: this.#signed };
    return Promise.resolve(answer);
  }

  status(): EngineStatus {
    const { chainId, height, timeMs } = this.#head;
    const firstRetainedHeight = this.firstRetainedHeight() as Head["height"];
    const alone = { validators: 1, peers: 0, catchingUp: false, stalledSinceMs: null };
    return { engine: "solo", chainId, height, timeMs, firstRetainedHeight, pending: this.pending(), ...alone };
  }

  onBlock(listener: (block: CommittedBlock) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async submit(bytes: Uint8Array): Promise<TxResult> {
    this.#requireRunning();
    const decoded = this.#options.runtime.decodeTx(bytes, this.#maxTxBytes);
    const done = this.#blocks.tx(decoded.hash);
    if (done !== undefined) return done;
    return this.#arrivals.submit(bytes, decoded);
  }

  #enter(tx: PendingTx): PendingTx {
    this.#requireRunning();
    if (this.#diskFull !== undefined) throw this.#diskFull;
    const { bytes, decoded } = tx;
    const waiting = this.#mempool.get(decoded.hash);
    if (waiting !== undefined) return waiting;
    const { signer } = decoded.tx.body;
    this.#mempool.requireRoom(signer, bytes.length);
    const { runtime } = this.#options;
    const context = this.#nextContext();
    runtime.checkTx(this.#rows, context, decoded, this.#mempool.nextNonce(signer));
    const isPatient = runtime.isPatient(this.#rows, context, decoded);
    this.#mempool.add(tx, isPatient);
    // For all others a block is on its way already.
    if (this.#mempool.size === 1 || (!isPatient && this.#mempool.urgent === 1)) this.#schedule();
    return tx;
  }

  #nextContext(): BlockContext {
    const { chainId, clock } = this.#options;
    return { chainId, height: this.#head.height + 1, timeMs: Math.max(this.#head.timeMs, clock.nowMs()) };
  }

  /**
   * When the next block is wanted: at once for transactions that somebody waits for, a while after the last one for the others,
   * when time-based work is due, or to show that the chain lives.
   */
  #schedule(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    const { clock, runtime, idleBlockMs = ENGINE_LIMITS.idleBlockMs } = this.#options;
    const now = clock.nowMs();
    const dueMs = runtime.nextDueMs(this.state) ?? Number.POSITIVE_INFINITY;
    const gatheredMs = this.#mempool.size > 0 ? this.#lastBlockAtMs + runtime.gatherMs(this.state) : Number.POSITIVE_INFINITY;
    const wantedMs = this.#mempool.urgent > 0 ? now : Math.min(dueMs, gatheredMs, this.#lastBlockAtMs + idleBlockMs);
    const delayMs = Math.max(wantedMs, this.#lastBlockAtMs + this.#intervalMs) - now;
    this.#timer = setTimeout(() => this.#onTimer(), Math.min(Math.max(delayMs, 0), MAX_TIMER_MS));
  }

  #onTimer(): void {
    const { clock, runtime, idleBlockMs = ENGINE_LIMITS.idleBlockMs, onFatal } = this.#options;
    const now = clock.nowMs();
    const due = (runtime.nextDueMs(this.state) ?? Number.POSITIVE_INFINITY) <= now;
    const idle = Math.abs(now - this.#lastBlockAtMs) >= idleBlockMs;
    try {
      if (this.#mempool.size > 0 || due || idle || this.#diskFull !== undefined) this.#produce();
      this.#diskFull = undefined;
      this.#schedule();
    } catch (error) {
      if (hasCode(error, "chain.disk_full")) return this.#waitForSpace(error as GridError);
      this.#halt("The chain cannot commit any more.");
      onFatal(error);
    }
  }

  /** The block was not written and nothing of it was adopted: what waits goes on waiting, new transactions are told why. */
  #waitForSpace(error: GridError): void {
    if (this.#diskFull === undefined) this.#options.logger.error("the chain waits for space on its disk", { ...error.toWire() });
    this.#diskFull = error;
    this.#timer = setTimeout(() => this.#onTimer(), FULL_DISK_RETRY_MS);
  }

  #produce(): void {
    const { runtime, storage, clock } = this.#options;
    const beganAtMs = clock.nowMs();
    const context = this.#nextContext();
    const execution = execute({ runtime, state: this.state, context, txs: this.#mempool.next() });
    const { sealed, included } = execution;
    const txsRoot = bytesToHex(listRoot(included.map((tx) => hexToBytes(tx.decoded.hash))));
    const { height, timeMs } = context;
    const signed = this.#sign({ height, timeMs, parentHash: this.#head.blockHash, txsRoot, appHash: sealed.root });
    const results = resultsOf(execution, context);
    const eventsJson = eventsJsonOf(execution, context);
    const record = { signed, txs: included.map((tx) => tx.bytes), results, eventsJson };
    storage.write([...sealed.ops, ...this.#blocks.ops(record)]);
    sealed.adopt();
    this.#signed = signed;
    this.#head = headOf(signed);
    this.#rows = rowsOf(this.state);
    // Counted from the beginning, so that a block's own work does not stretch the interval.
    this.#lastBlockAtMs = beganAtMs;
    this.#readParams();
    this.#answer(execution, results);
    this.#mempool.hurry();
    for (const listener of this.#listeners) listener({ head: this.#head, eventsJson });
  }

  #answer(execution: Execution, results: readonly TxResult[]): void {
    execution.included.forEach((tx, index) => {
      this.#mempool.remove(tx);
      tx.result.resolve(results[index] as TxResult);
    });
  }

  #readParams(): void {
    this.#maxTxBytes = this.#options.runtime.queries(this.state).params().maxTxBytes;
  }

  #requireRunning(): void {
    if (this.#stopped) throw chainErrors.fail("chain.stopped");
  }

  #halt(message?: string): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const tx of this.#mempool.drain()) tx.result.reject(chainErrors.fail("chain.stopped", message === undefined ? {} : { message }));
  }

  async stop(): Promise<void> {
    if (!this.#stopped) this.#halt();
    await this.#arrivals.settled();
  }
}

/** Opens or begins a chain in this storage. @throws GridError chain.genesis_mismatch, genesis.invalid */
export const solo = (options: SoloOptions): Engine => new Solo(options);

function headOf(signed: SignedHeader): Head {
  const { chainId, height, timeMs, appHash, hash } = factsOf(signed);
  return { chainId, height, timeMs, appHash, blockHash: hash };
}

function resultsOf({ included, outcomes }: Execution, { height, timeMs }: BlockContext): TxResult[] {
  return included.map((tx, index) => {
    const { signer, nonce } = tx.decoded.tx.body;
    return { ...(outcomes[index] as Execution["outcomes"][number]), height: height as Head["height"], timeMs, signer, nonce };
  });
}

function eventsJsonOf({ events, outcomes }: Execution, { height, timeMs }: BlockContext): string | undefined {
  const all = [...events, ...outcomes.flatMap((outcome) => outcome.events)];
  if (all.length === 0) return undefined;
  return JSON.stringify(eventBlock.toJson({ height: height as Head["height"], timeMs, events: all }));
}
