/** Blocks ordered by CometBFT, carried out by the ledger: the whole engine, with its ABCI socket and its child process. */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, type Hex, type Logger, bytesToHex } from "@tfgrid/primitives";
import { COMET_LIMITS } from "../../limits.ts";
import { type ProvenValue, type SignedHeader, chainErrors, factsOf } from "../../light/index.ts";
import type { Runtime } from "../../runtime/api.ts";
import { genesisToJson, parseGenesis } from "../../runtime/genesis.ts";
import { type Snapshots, type StateStore, type Storage, openSnapshots, openState, snapshotFiles } from "../../state/index.ts";
import type { Head, Height } from "../../types/index.ts";
import { BlockStore } from "../block-store.ts";
import type { BlockInfo, CommittedBlock, Engine, EngineStatus, EventRow, TxResult } from "../engine.ts";
import { Application } from "./application.ts";
import { Gate } from "./gate.ts";
import { Headers } from "./headers.ts";
import { KnownTxs } from "./known-txs.ts";
import { Liveness } from "./liveness.ts";
import { type CometProcess, endLeftover, startCometProcess } from "./process.ts";
import { CometRpc, type RpcAddress } from "./rpc.ts";
import { type AbciAddress, type AbciServer, startAbciServer } from "./server.ts";
import { Submissions } from "./submissions.ts";

export interface CometOptions {
  readonly storage: Storage;
  readonly runtime: Runtime;
  readonly chainId: string;
  /** What the runtime's `initGenesis` understands, and its hash: `genesisHashOf(genesis, "cometbft")`. It names the validators. */
  readonly genesis: unknown;
  readonly genesisHash: Hex;
  readonly start?: { readonly height: number; readonly timeMs: number } | undefined;
  /** Of the program cometbft, and its home folder as `cometHome` makes it. */
  readonly binary: string;
  readonly home: string;
  /** Where cometbft's own RPC listens. Default: a socket in the home folder that only this user reaches. */
  readonly cometRpc?: RpcAddress | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retainedBlocks?: number | undefined;
  /** Folder for snapshots that others may begin with, taken every so many blocks (default: `COMET_LIMITS.snapshotBlocks`). */
  readonly snapshots: { readonly folder: string; readonly everyBlocks?: number | undefined };
  /** Aborted while the engine begins: it gives up. Afterwards only `stop` counts. */
  readonly signal?: AbortSignal | undefined;
  /** The disk, the runtime or cometbft failed: nothing more can be committed. The program should end. */
  readonly onFatal: (error: unknown) => void;
}

/** Bytes that a Unix socket's address may have, with room for the terminating zero. */
const SOCKET_PATH_BYTES = 100;

/** In the home folder; where that path is too long for a socket, in a folder of its own that is named by it. */
function socketIn(home: string, name: string): { readonly kind: "unix"; readonly path: string } {
  const path = join(home, name);
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES) return { kind: "unix", path };
  const folder = join(tmpdir(), `tfgrid-${createHash("sha256").update(home).digest("hex").slice(0, 16)}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { kind: "unix", path: join(folder, name) };
}

/**
 * Fulfilled when cometbft has replayed what was missing and answers; the chain may still be catching up with others.
 * @throws GridError chain.genesis_mismatch, genesis.invalid, chain.upgrade_needed, cometbft.ended
 */
export async function cometbft(options: CometOptions): Promise<Engine> {
  const engine = new Comet(options);
  try {
    await engine.begin();
    return engine;
  } catch (error) {
    await engine.stop();
    throw error;
  }
}

class Comet implements Engine {
  readonly state: StateStore;
  readonly #options: CometOptions;
  readonly #blocks: BlockStore;
  readonly #known: KnownTxs;
  readonly #app: Application;
  readonly #snapshots: Snapshots;
  readonly #rpc: CometRpc;
  readonly #headers: Headers;
  readonly #submissions: Submissions;
  readonly gate: Gate;
  readonly #liveness: Liveness;
  readonly #listeners = new Set<(block: CommittedBlock) => void>();
  readonly #abci: AbciAddress;
  readonly #rpcAddress: RpcAddress;
  #server: AbciServer | undefined;
  #process: CometProcess | undefined;
  readonly #failed = Promise.withResolvers<never>();
  /** The first failure decides: what follows from it says less. */
  #fatal: { readonly error: unknown } | undefined;
  #begun = false;
  #stopped = false;

  constructor(options: CometOptions) {
    const { storage, runtime, clock, logger, chainId, home, retainedBlocks = COMET_LIMITS.retainedBlocks } = options;
    this.#options = options;
    this.#blocks = new BlockStore(storage, retainedBlocks);
    this.#known = new KnownTxs({ runtime });
    const state = openState(storage, { retainedVersions: retainedBlocks });
    const { folder, everyBlocks: snapshotBlocks } = options.snapshots;
    const snapshots = openSnapshots({ files: snapshotFiles(folder), storage, state, chainId, logger });
    const start = options.start ?? { height: 0, timeMs: 0 };
    this.#app = new Application({ ...options, state, start, blocks: this.#blocks, known: this.#known, retainedBlocks, snapshots, snapshotBlocks });
    this.#snapshots = snapshots;
    this.state = state;
    this.#abci = socketIn(home, "abci.sock");
    this.#rpcAddress = options.cometRpc ?? socketIn(home, "rpc.sock");
    this.#rpc = new CometRpc(this.#rpcAddress);
    this.gate = new Gate({ rpc: this.#rpc, home, genesis: genesisToJson(parseGenesis(options.genesis)) });
    this.#headers = new Headers({ rpc: this.#rpc, blocks: this.#blocks, logger });
    this.#liveness = new Liveness({ rpc: this.#rpc, clock, logger, onLook: () => this.#submissions.sweep() });
    this.#submissions = new Submissions({ rpc: this.#rpc, clock, logger, standstill: () => this.#liveness.standstill() });
    // It is heard of only while the engine begins.
    this.#failed.promise.catch(() => undefined);
    this.#app.listen({
      onCommit: (block, results) => this.#onCommit(block, results),
      onRefused: (hash, error) => this.#submissions.refused(hash, error),
      takeHeaders: () => this.#headers.take(),
    });
  }

  async begin(): Promise<void> {
    const { binary, home, logger, signal } = this.#options;
    const onFatal = (error: unknown): void => this.#fail(error);
    signal?.addEventListener("abort", () => this.#begun || this.#fail(signal.reason), { once: true });
    await endLeftover(home, logger);
    this.#server = await startAbciServer({ handler: this.#app, listen: this.#abci, logger, onFatal });
    this.#process = await startCometProcess({ binary, home, abci: this.#abci, rpc: this.#rpcAddress, logger, onExit: onFatal });
    await this.#liveness.answering(() => this.#app.head.height, () => this.#fatal);
    // A node that joins by state sync has its state only now.
    await Promise.race([this.#app.ready, this.#failed.promise]);
    this.#headers.begin(this.head().height, this.#blocks.firstHeight());
    this.#begun = true;
  }

  #fail(error: unknown): void {
    if (this.#stopped || this.#fatal !== undefined) return;
    this.#fatal = { error };
    this.#submissions.stop(chainErrors.fail("chain.stopped", { message: "The chain cannot commit any more." }));
    if (this.#begun) this.#options.onFatal(error);
    else this.#failed.reject(error);
  }

  #onCommit(block: CommittedBlock, results: readonly TxResult[]): void {
    this.#liveness.onBlock();
    if (this.#begun) this.#headers.onBlock(block.head.height);
    this.#submissions.committed(results);
    for (const listener of this.#listeners) listener(block);
  }

  head(): Head {
    return this.#app.head;
  }

  signedHeader(): SignedHeader {
    const { latest } = this.#headers;
    if (latest !== undefined) return latest;
    throw chainErrors.fail("chain.height_unknown", { message: "No block is signed yet.", details: { head: this.head().height } });
  }

  block(height: number): BlockInfo {
    const fresh = this.#headers.at(height);
    if (fresh !== undefined) return { signedHeader: fresh, hash: factsOf(fresh).hash, txs: this.#blocks.txHashes(height) };
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
    return this.#submissions.size;
  }

  onBlock(listener: (block: CommittedBlock) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async submit(bytes: Uint8Array): Promise<TxResult> {
    if (this.#stopped) throw chainErrors.fail("chain.stopped");
    const { hash } = this.#options.runtime.decodeTx(bytes, this.#app.maxTxBytes);
    return this.#blocks.tx(hash) ?? this.#submissions.submit(hash, bytes);
  }

  /** The root of a state stands in the header of the next block, so a value of the newest state has to wait for that block. */
  async prove(key: string): Promise<ProvenValue> {
    // While nothing changes the header that is known proves the newest state as well; while no blocks are made waiting is in vain.
    const known = this.#headers.latest?.header.appHash === this.state.root;
    const stands = this.#liveness.view().stalledSinceMs !== null;
    if (!known && !stands) await this.#headers.reached(this.head().height + 1, COMET_LIMITS.proofWaitMs);
    const signedHeader = this.signedHeader();
    const height = signedHeader.header.height - 1;
    const { value, proof } = this.state.proveAt(height, key);
    return { value: value === undefined ? null : bytesToHex(value), height: height as Height, proof, signedHeader };
  }

  status(): EngineStatus {
    const { chainId, height, timeMs } = this.head();
    const validators = this.#options.runtime.queries(this.state).validatorSet().validators.length;
    return { engine: "cometbft", chainId, height, timeMs, pending: this.pending(), validators, firstRetainedHeight: this.firstRetainedHeight() as Height, ...this.#liveness.view() };
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#submissions.stop();
    this.#headers.stop();
    this.#liveness.stop();
    // cometbft first: it ends cleanly only while its application answers.
    await this.#process?.stop();
    this.#rpc.close();
    await this.#server?.stop();
    await this.#app.stop();
    await this.#snapshots.close();
  }
}
