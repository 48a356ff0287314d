/** Follows the ledger: resumes by height, reads again what an event touched, and writes height and rows together. */
import { type Clock, isGridError, type Logger } from "@tfgrid/primitives";
import { sql } from "kysely";
import { fail } from "../errors.ts";
import { EXPLORER_LIMITS as L } from "../limits.ts";
import { type Progress, type Store, writeProgress } from "../store/store.ts";
import type { ChainClient, EventBlock } from "../types.ts";
import { writeBlock } from "./block.ts";
import { fetchTouched } from "./fetch.ts";
import { resyncAll, resyncNodes } from "./resync.ts";
import { touchedBy } from "./touched.ts";

export interface IndexerOptions {
  readonly chain: ChainClient;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Called after each commit that brought rows. */
  readonly onCommit: () => void;
  readonly nodeRefreshMs?: number;
}

export interface IndexerStatus {
  readonly progress: Progress;
  /** The ledger answers and its events arrive. */
  readonly following: boolean;
  readonly error: string | undefined;
  readonly lastSeenMs: number;
}

export interface Indexer {
  status(): IndexerStatus;
  readonly done: Promise<void>;
}

/** Another ledger, or this one set back: what is stored would be wrong for ever. */
async function startPoint(options: IndexerOptions): Promise<Progress> {
  const { chain, store, logger } = options;
  const head = await chain.head();
  const stored = await store.progress();
  const same = stored.chainId === head.chainId && stored.height <= head.height && stored.entitiesHeight <= head.height;
  if (stored.chainId !== "" && !same) {
    logger.warn("the ledger is not the one that was indexed; starting anew", {
      storedChain: stored.chainId,
      storedHeight: stored.height,
      chain: head.chainId,
      height: head.height,
    });
    await store.clear();
  }
  const base: Progress = same ? stored : { chainId: head.chainId, height: 0, timeMs: 0, entitiesHeight: 0 };
  if (base.entitiesHeight > 0 && head.height - base.entitiesHeight <= L.resyncBehindBlocks) {
    await resyncNodes(chain, store);
    return base;
  }
  logger.info("reading all entities", { height: head.height });
  await resyncAll(chain, store);
  // `head` was read before the entities, so they are at least as new as it says.
  const progress: Progress = { ...base, entitiesHeight: head.height };
  await store.write((db) => writeProgress(db, progress));
  return progress;
}

async function prune(store: Store): Promise<void> {
  await store.write(async (db) => {
    await sql`delete from events where seq <= (select coalesce(max(seq), 0) from events) - ${L.maxEventRows}`.execute(db);
    await sql`delete from bills where height < coalesce((select height from bills order by height desc limit 1 offset ${L.maxBillRows}), 0)`.execute(
      db,
    );
  });
}

export function startIndexer(options: IndexerOptions): Indexer {
  const { chain, store, clock, logger, signal } = options;
  let progress: Progress = { chainId: "", height: 0, timeMs: 0, entitiesHeight: 0 };
  let following = false;
  let error: string | undefined;
  let lastSeenMs = 0;
  let idleWriteMs = 0;
  let sincePrune = 0;

  const apply = async (block: EventBlock): Promise<void> => {
    lastSeenMs = clock.nowMs();
    following = true;
    error = undefined;
    if (block.height <= progress.height) return;
    if (block.events.length === 0) {
      progress = { ...progress, height: block.height, timeMs: block.timeMs };
      // A height without rows may be lost: those blocks are followed again and bring nothing.
      if (lastSeenMs - idleWriteMs < L.idleHeightWriteMs) return;
      idleWriteMs = lastSeenMs;
      await store.write((db) => writeProgress(db, progress));
      return;
    }
    const known = block.height <= progress.entitiesHeight;
    const entities = known ? undefined : await fetchTouched(chain, touchedBy(block.events));
    progress = await writeBlock(store, { block, entities, progress });
    options.onCommit();
    sincePrune += 1;
    if (sincePrune >= L.pruneEveryBlocks) {
      sincePrune = 0;
      await prune(store);
    }
  };

  const follow = async (): Promise<void> => {
    progress = await startPoint(options);
    following = true;
    error = undefined;
    lastSeenMs = clock.nowMs();
    const from = (progress.height + 1) as EventBlock["height"];
    for await (const block of chain.follow({ from, signal })) await apply(block);
    if (!signal.aborted) throw fail("explorer.stream_ended");
  };

  const keep = async (work: () => Promise<void>, what: string): Promise<void> => {
    let waitMs: number = L.retryMinMs;
    while (!signal.aborted) {
      const startedMs = clock.nowMs();
      try {
        await work();
      } catch (cause) {
        if (signal.aborted) return;
        following = false;
        error = isGridError(cause) ? `${cause.code}: ${cause.message}` : String(cause);
        logger.warn(`${what} failed; trying again`, { cause, waitMs });
        if (clock.nowMs() - startedMs > L.retryMaxMs) waitMs = L.retryMinMs;
        await clock.sleep(waitMs, signal).catch(() => undefined);
        waitMs = Math.min(waitMs * 2, L.retryMaxMs);
      }
    }
  };

  const refreshNodes = async (): Promise<void> => {
    await clock.sleep(options.nodeRefreshMs ?? L.nodeRefreshMs, signal);
    await resyncNodes(chain, store);
  };

  return {
    status: () => ({ progress, following, error, lastSeenMs }),
    done: Promise.all([keep(follow, "following the ledger"), keep(refreshNodes, "reading the nodes again")]).then(() => undefined),
  };
}
