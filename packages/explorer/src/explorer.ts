import { type Clock, type Logger, silentLogger, systemClock } from "@tfgrid/primitives";
import type { AddressInfo } from "node:net";
import type { ImageLookup, PublicGrid } from "./grid.ts";
import { type IndexerStatus, startIndexer } from "./indexer/indexer.ts";
import { buildServer } from "./rest/server.ts";
import { createLiveFeed } from "./rest/live.ts";
import { openStore } from "./store/store.ts";
import type { ChainClient } from "./types.ts";

export interface ExplorerOptions {
  readonly chain: ChainClient;
  /** Holds `explorer.sqlite`; everything in it can be read from the ledger again. */
  readonly dataDir: string;
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** The dashboard's built files. */
  readonly staticDir?: string;
  /** Published at /grid. */
  readonly grid?: PublicGrid;
  /** Answers /images/resolve; see `BrowserOptions`. */
  readonly images?: ImageLookup;
  readonly version?: string;
  readonly nodeRefreshMs?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

export interface Explorer {
  readonly endpoints: { readonly http: string };
  status(): IndexerStatus;
  /** Ends following and serving; the chain client stays open (it is the caller's). */
  stop(): Promise<void>;
}

export async function startExplorer(options: ExplorerOptions): Promise<Explorer> {
  const { chain, clock = systemClock, logger = silentLogger, staticDir, nodeRefreshMs } = options;
  const store = await openStore(options.dataDir);
  const live = createLiveFeed({ db: store.reader, clock, logger });
  const ending = new AbortController();
  const indexer = startIndexer({
    chain,
    store,
    clock,
    logger,
    signal: ending.signal,
    onCommit: () => live.notify(),
    ...(nodeRefreshMs === undefined ? {} : { nodeRefreshMs }),
  });
  const app = await buildServer({
    db: store.reader,
    live,
    status: () => indexer.status(),
    version: options.version ?? "0.1.0",
    logger,
    ...(staticDir === undefined ? {} : { staticDir }),
    ...(options.grid === undefined ? {} : { grid: options.grid }),
    ...(options.images === undefined ? {} : { images: options.images }),
  });
  const stop = async (): Promise<void> => {
    ending.abort();
    live.close();
    await app.close();
    await indexer.done;
    await store.close();
  };
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    await stop();
    throw error;
  }
  const { port } = app.server.address() as AddressInfo;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return { endpoints: { http: `http://${host}:${port}` }, status: () => indexer.status(), stop };
}
