/**
 * The live feed: server-sent events, which browsers resume by themselves (`Last-Event-ID`). Each reader has a place in the
 * table instead of a queue, so a slow one costs no memory; one that takes nothing for a while is cut.
 */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Clock, Logger } from "@tfgrid/primitives";
import { fail } from "../errors.ts";
import { EXPLORER_LIMITS as L } from "../limits.ts";
import type { Database } from "../store/schema.ts";
import { eventRows, lastSeq } from "./queries.ts";

export interface LiveFeed {
  /** Wakes the readers: new rows are committed. */
  notify(): void;
  serve(response: ServerResponse, from: number | undefined): Promise<void>;
  readers(): number;
  close(): void;
}

interface Options {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stallMs?: number;
}

export function createLiveFeed(options: Options): LiveFeed {
  const { db, logger } = options;
  const stallMs = options.stallMs ?? L.liveStallMs;
  const open = new Set<ServerResponse>();
  const closing = new AbortController();
  let wake = Promise.withResolvers<void>();

  /** Writes and waits until the reader has room again. @throws when it stays full too long */
  const send = async (response: ServerResponse, text: string): Promise<void> => {
    if (response.write(text)) return;
    await once(response, "drain", { signal: AbortSignal.any([closing.signal, AbortSignal.timeout(stallMs)]) });
  };

  const pump = async (response: ServerResponse, from: number): Promise<void> => {
    let next = from;
    while (!response.destroyed && !closing.signal.aborted) {
      // Taken before the read: a commit in between wakes us at once.
      const woken = wake.promise;
      const rows = await eventRows(db, { from: next, size: L.liveBatchRows });
      for (const row of rows) {
        await send(response, `id: ${row.seq}\nevent: ${row.type}\ndata: ${JSON.stringify(row)}\n\n`);
        next = row.seq + 1;
      }
      if (rows.length > 0) continue;
      const ping = Promise.withResolvers<"ping">();
      const timer = setTimeout(() => ping.resolve("ping"), L.livePingMs);
      const why = await Promise.race([woken, ping.promise]);
      clearTimeout(timer);
      if (why === "ping" && !response.destroyed) await send(response, ": still here\n\n");
    }
  };

  return {
    notify: () => {
      wake.resolve();
      wake = Promise.withResolvers<void>();
    },
    serve: async (response, from) => {
      if (open.size >= L.maxLiveReaders) throw fail("explorer.too_many_readers");
      open.add(response);
      try {
        const start = from ?? (await lastSeq(db)) + 1;
        response.writeHead(200, {
          "content-type": "text/event-stream; charset=utf-8",
          "cache-control": "no-store",
          "access-control-allow-origin": "*",
          "access-control-expose-headers": "*",
          "x-accel-buffering": "no",
        });
        response.write("retry: 1000\n\n");
        await pump(response, start);
      } catch (cause) {
        if (!response.destroyed && !closing.signal.aborted) logger.debug("a live reader was cut", { cause });
      } finally {
        open.delete(response);
        response.destroy();
      }
    },
    readers: () => open.size,
    close: () => {
      closing.abort();
      wake.resolve();
      for (const response of open) response.destroy();
    },
  };
}
