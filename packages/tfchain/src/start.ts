/** A chain as one function: storage, engine and RPC, started and stopped in order. */
import { mkdirSync } from "node:fs";
import { type Clock, type KeyPair, type Logger, silentLogger, systemClock } from "@tfgrid/primitives";
import { type Engine, genesisHashOf, solo, verifyFast } from "./engines/index.ts";
import { type FolderLock, lockFolder } from "./engines/lock.ts";
import { type RpcServer, startRpc } from "./rpc/index.ts";
import { createRuntime, genesisStart, genesisToJson, parseGenesis } from "./runtime/index.ts";
import { type Storage, lmdbStorage } from "./state/index.ts";

export interface StartChainOptions {
  /** Made when missing. Belongs to one genesis and one authority for ever. */
  readonly dataDir: string;
  /** As `defaultGenesis` makes it, or its JSON. */
  readonly genesis: unknown;
  readonly authority: KeyPair;
  readonly host?: string;
  /** 0 (default): any free port. */
  readonly port?: number;
  readonly blockIntervalMs?: number;
  /** ms. An idle chain makes a block this often. */
  readonly idleBlockMs?: number;
  readonly retainedBlocks?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Stops the chain when aborted. */
  readonly signal?: AbortSignal;
  /** The chain had to stop by itself (a disk that fails). Default: the error is thrown where nobody catches it. */
  readonly onFatal?: (error: unknown) => void;
}

export interface RunningChain {
  readonly endpoints: { readonly rpc: string; readonly ws: string };
  readonly engine: Engine;
  stop(): Promise<void>;
}

/** @throws GridError chain.genesis_mismatch, chain.data_locked, genesis.invalid */
export async function startChain(options: StartChainOptions): Promise<RunningChain> {
  const { dataDir, authority, host = "127.0.0.1", port = 0, logger = silentLogger, signal } = options;
  signal?.throwIfAborted();
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const genesis = parseGenesis(options.genesis);
  const lock = await lockFolder(dataDir);
  const opened: { storage?: Storage; engine?: Engine } = {};
  try {
    opened.storage = lmdbStorage(dataDir);
    const runtime = createRuntime({ verify: verifyFast });
    opened.engine = solo({
      storage: opened.storage,
      runtime,
      chainId: genesis.chainId,
      genesis,
      start: genesisStart(genesis),
      genesisHash: genesisHashOf(genesisToJson(genesis), authority.account),
      authority,
      clock: options.clock ?? systemClock,
      logger,
      blockIntervalMs: options.blockIntervalMs,
      idleBlockMs: options.idleBlockMs,
      retainedBlocks: options.retainedBlocks,
      onFatal: options.onFatal ?? failHard,
    });
    const rpc = await startRpc({ engine: opened.engine, runtime, host, port, logger });
    const { chainId, height } = opened.engine.head();
    logger.info("the chain serves", { chainId, height, port: rpc.port });
    return running({ rpc, engine: opened.engine, storage: opened.storage, lock, signal });
  } catch (error) {
    await opened.engine?.stop();
    await opened.storage?.close();
    await lock.release();
    throw error;
  }
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
