/** A chain as one function: storage, engine and RPC, started and stopped in order. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Clock, type KeyPair, type Logger, messageOf, silentLogger, systemClock } from "@tfgrid/primitives";
import { type Engine, cometbft, genesisHashOf, solo } from "./engines/index.ts";
import { type FolderLock, lockFolder } from "./engines/lock.ts";
import { type RpcServer, startRpc } from "./rpc/index.ts";
import { type Genesis, type Runtime, createRuntime, genesisStart, genesisToJson, parseGenesis } from "./runtime/index.ts";
import { type Storage, lmdbStorage } from "./state/index.ts";

/** One authority makes the blocks, in this process. */
export interface SoloChoice {
  readonly engine?: undefined;
  readonly authority: KeyPair;
  readonly blockIntervalMs?: number;
  /** ms. An idle chain makes a block this often. */
  readonly idleBlockMs?: number;
}

/** The genesis' validators make the blocks, together, with CometBFT. */
export interface CometChoice {
  readonly engine: {
    readonly kind: "cometbft";
    /** As `writeHome` made it from `cometHome`. */
    readonly home: string;
    /** The program: see `ensureCometBft`. */
    readonly binary: string;
    /** Where cometbft's own RPC listens, for nodes that join by state sync. Default: only for this process. */
    readonly rpc?: { readonly host: string; readonly port: number };
    /** A snapshot for nodes that join is taken every so many blocks. */
    readonly snapshotBlocks?: number;
  };
}

export type StartChainOptions = CommonOptions & (SoloChoice | CometChoice);

interface CommonOptions {
  /** Made when missing. Belongs to one genesis and one authority for ever. */
  readonly dataDir: string;
  /** As `defaultGenesis` makes it, or its JSON. */
  readonly genesis: unknown;
  readonly host?: string;
  /** 0 (default): any free port. */
  readonly port?: number;
  readonly retainedBlocks?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Stops the chain when aborted; while it starts, `startChain` rejects with the reason. */
  readonly signal?: AbortSignal;
  /** The chain had to stop by itself (a disk that fails, cometbft that ended). Default: the error is thrown where nobody catches it. */
  readonly onFatal?: (error: unknown) => void;
}

export interface RunningChain {
  readonly endpoints: { readonly rpc: string; readonly ws: string };
  readonly engine: Engine;
  stop(): Promise<void>;
}

/** @throws GridError chain.genesis_mismatch, chain.data_locked, genesis.invalid, cometbft.* */
export async function startChain(options: StartChainOptions): Promise<RunningChain> {
  const { dataDir, host = "127.0.0.1", port = 0, logger = silentLogger, signal } = options;
  signal?.throwIfAborted();
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const genesis = parseGenesis(options.genesis);
  const lock = await lockFolder(dataDir);
  const opened: { storage?: Storage; engine?: Engine; rpc?: RpcServer } = {};
  try {
    opened.storage = lmdbStorage(dataDir);
    const runtime = createRuntime({ noteBug: (error, about) => logger.error("time-based work failed and is put off: a bug of the ledger", { about, error: messageOf(error) }) });
    opened.engine = await startEngine(options, { storage: opened.storage, runtime, genesis, logger });
    signal?.throwIfAborted();
    opened.rpc = await startRpc({ engine: opened.engine, runtime, host, port, logger });
    const { chainId, height } = opened.engine.head();
    logger.info("the chain serves", { chainId, height, port: opened.rpc.port });
    // From here on the signal is listened to; what it said before would never be heard.
    signal?.throwIfAborted();
    return running({ rpc: opened.rpc, engine: opened.engine, storage: opened.storage, lock, signal });
  } catch (error) {
    await opened.engine?.stop();
    await opened.rpc?.stop();
    await opened.storage?.close();
    await lock.release();
    throw error;
  }
}

interface EngineParts {
  readonly storage: Storage;
  readonly runtime: Runtime;
  readonly genesis: Genesis;
  readonly logger: Logger;
}

function startEngine(options: StartChainOptions, parts: EngineParts): Engine | Promise<Engine> {
  const { genesis } = parts;
  const { clock = systemClock, onFatal = failHard, retainedBlocks, signal } = options;
  const common = { ...parts, chainId: genesis.chainId, start: genesisStart(genesis), clock, retainedBlocks, onFatal };
  if (options.engine === undefined) {
    const { authority, blockIntervalMs, idleBlockMs } = options;
    return solo({ ...common, genesisHash: genesisHashOf(genesisToJson(genesis), authority.account), authority, blockIntervalMs, idleBlockMs });
  }
  const { home, binary, rpc, snapshotBlocks } = options.engine;
  const cometRpc = rpc === undefined ? undefined : ({ kind: "tcp", ...rpc } as const);
  const snapshots = { folder: join(options.dataDir, "snapshots"), everyBlocks: snapshotBlocks };
  return cometbft({ ...common, genesisHash: genesisHashOf(genesisToJson(genesis), "cometbft"), home, binary, cometRpc, snapshots, signal });
}

function failHard(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

interface Parts {
  readonly rpc: RpcServer;
  readonly engine: Engine;
  readonly storage: Storage;
  readonly lock: FolderLock;
  readonly signal: AbortSignal | undefined;
}

function running({ rpc, engine, storage, lock, signal }: Parts): RunningChain {
  const close = async (): Promise<void> => {
    // The engine first: calls that wait are answered with chain.stopped instead of a torn connection.
    await engine.stop();
    await rpc.stop();
    await storage.close();
    await lock.release();
  };
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= close());
  signal?.addEventListener("abort", () => void stop(), { once: true });
  const authority = `${rpc.host.includes(":") ? `[${rpc.host}]` : rpc.host}:${rpc.port}`;
  return { endpoints: { rpc: `http://${authority}`, ws: `ws://${authority}` }, engine, stop };
}
