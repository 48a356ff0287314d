/** Follows the ledger: resumes by height, reads again what an event touched, and writes height and rows together. */
import { type Clock, isGridError, type Logger, messageOf } from "@tfgrid/primitives";
import { sql } from "kysely";
import { fail } from "../errors.ts";
import { EXPLORER_LIMITS as L } from "../limits.ts";
import { type Progress, type Store, writeProgress } from "../store/store.ts";
import type { ChainClient, EventBlock, Head } from "../types.ts";
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
  /** The ledger's own head, looked at every few seconds; blocks without events are not followed. */
  readonly head: Head | undefined;
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

/**
 * The ledger forgot the blocks that come next (a new index of an old ledger, or a long sleep): the timeline has a gap, the
 * entities have none because they are read again when they are older than the gap.
 */
function afterGap(progress: Progress, error: unknown): Progress | undefined {
  if (!isGridError(error) || error.code !== "chain.height_pruned") return undefined;
  const first = error.details["firstRetainedHeight"];
  if (typeof first !== "number" || first <= progress.height + 1) return undefined;
  return { ...progress, height: first - 1, entitiesHeight: progress.entitiesHeight >= first - 1 ? progress.entitiesHeight : 0 };
}

const NO_PROGRESS: Progress = { chainId: "", height: 0, timeMs: 0, entitiesHeight: 0 };

class LedgerIndexer implements Indexer {
  readonly done: Promise<void>;
  readonly #options: IndexerOptions;
  /** What fails at the moment, per task. */
  readonly #errors = new Map<string, string>();
  #progress: Progress = NO_PROGRESS;
  #head: Head | undefined;
  #lastSeenMs = 0;
  #idleWriteMs = 0;
  #sincePrune = 0;

  constructor(options: IndexerOptions) {
    this.#options = options;
    const { signal, clock, nodeRefreshMs = L.nodeRefreshMs } = options;
    this.done = Promise.all([
      this.#keep("following the ledger", () => this.#follow()),
      this.#keep("looking at the ledger's head", async () => {
        await this.#lookAtHead();
        await clock.sleep(L.headLookMs, signal);
      }),
      this.#keep("reading the nodes again", async () => {
        await clock.sleep(nodeRefreshMs, signal);
        await resyncNodes(options.chain, options.store);
      }),
    ]).then(() => undefined);
  }

  status(): IndexerStatus {
    const [error] = this.#errors.values();
    const following = error === undefined && this.#progress.chainId !== "";
    return { progress: this.#progress, head: this.#head, following, error, lastSeenMs: this.#lastSeenMs };
  }

  /** The client reconnects without a word when the ledger is away: only asking tells. */
  async #lookAtHead(): Promise<void> {
    this.#head = await this.#options.chain.head();
    this.#lastSeenMs = this.#options.clock.nowMs();
  }

  async #follow(): Promise<void> {
    const { chain, signal, store, logger } = this.#options;
    this.#progress = await startPoint(this.#options);
    const from = (this.#progress.height + 1) as EventBlock["height"];
    try {
      for await (const block of chain.follow({ from, signal })) await this.#apply(block);
    } catch (error) {
      const next = afterGap(this.#progress, error);
      if (next === undefined) throw error;
      logger.warn("the ledger no longer has the next blocks; the timeline has a gap", { from, to: next.height });
      await store.write((db) => writeProgress(db, next));
      return;
    }
    if (!signal.aborted) throw fail("explorer.stream_ended");
  }

  async #apply(block: EventBlock): Promise<void> {
    const { chain, store, clock, onCommit } = this.#options;
    if (block.height <= this.#progress.height) return;
    if (block.events.length === 0) {
      this.#progress = { ...this.#progress, height: block.height, timeMs: block.timeMs };
      // A height without rows may be lost: those blocks are followed again and bring nothing.
      if (clock.nowMs() - this.#idleWriteMs < L.idleHeightWriteMs) return;
      this.#idleWriteMs = clock.nowMs();
      await store.write((db) => writeProgress(db, this.#progress));
      return;
    }
    const known = block.height <= this.#progress.entitiesHeight;
    const entities = known ? undefined : await fetchTouched(chain, touchedBy(block.events));
    this.#progress = await writeBlock(store, { block, entities, progress: this.#progress });
    onCommit();
    this.#sincePrune += 1;
    if (this.#sincePrune < L.pruneEveryBlocks) return;
    this.#sincePrune = 0;
    await prune(store);
  }

  /** Again and again until the end, with growing waits after failures. */
  async #keep(what: string, work: () => Promise<void>): Promise<void> {
    const { clock, signal, logger } = this.#options;
    let waitMs: number = L.retryMinMs;
    while (!signal.aborted) {
      try {
        await work();
        this.#errors.delete(what);
        waitMs = L.retryMinMs;
      } catch (cause) {
        if (signal.aborted) return;
        const error = isGridError(cause) ? `${cause.code}: ${cause.message}` : messageOf(cause);
        if (this.#errors.get(what) !== error) logger.warn(`${what} failed; trying again`, { cause, waitMs });
        this.#errors.set(what, error);
        await clock.sleep(waitMs, signal).catch(() => undefined);
        waitMs = Math.min(waitMs * 2, L.retryMaxMs);
        // `follow` works for as long as all is well, so its failure is over as soon as it is tried again.
        if (what.startsWith("following")) this.#errors.delete(what);
      }
    }
  }
}

export function startIndexer(options: IndexerOptions): Indexer {
  return new LedgerIndexer(options);
}
