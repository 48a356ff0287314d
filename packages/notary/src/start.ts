/** The notary as a running program. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, type Logger, systemClock } from "@tfgrid/primitives";
import { type NotaryChain, provenLedger } from "./core/ledger.ts";
import { notaryCore } from "./core/notary.ts";
import { sweep } from "./core/sweep.ts";
import { notaryErrors } from "./errors.ts";
import { guard } from "./http/guard.ts";
import { createServer } from "./http/server.ts";
import { NOTARY_LIMITS as L } from "./limits.ts";
import { lmdbStore } from "./store/lmdb-store.ts";
import type { DocumentStore } from "./store/store.ts";

export interface StartNotaryOptions {
  readonly dataDir: string;
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly chain: NotaryChain;
  readonly logger: Logger;
  /**
   * The addresses by which clients call this notary, as they write them (`https://notary.example`): requests are signed for
   * one address. Default: `http://HOST:PORT`. Needed when `host` is a wildcard.
   */
  readonly origins?: readonly string[];
  /** Default 7 days. */
  readonly graceMs?: number;
  readonly sweepIntervalMs?: number;
  readonly clock?: Clock;
}

export interface RunningNotary {
  readonly endpoints: { readonly url: string };
  /** One round of retention now, beside those that run by themselves. */
  sweep(): ReturnType<typeof sweep>;
  stop(): Promise<void>;
}

/** @throws GridError notary.cannot_listen, notary.bad_config */
export async function startNotary(options: StartNotaryOptions): Promise<RunningNotary> {
  const { chain, clock = systemClock, graceMs = L.graceMs } = options;
  const logger = options.logger.child({ room: "notary" });
  if (options.origins === undefined && ["0.0.0.0", "::"].includes(options.host)) {
    throw notaryErrors.fail("notary.bad_config", { message: "origins: needed when the notary listens on every address." });
  }
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const ledger = provenLedger(chain);
  const store = lmdbStore(join(options.dataDir, "documents"));
  const origins: string[] = [...(options.origins ?? [])];
  const server = createServer({
    core: notaryCore({ store, ledger, clock }),
    guard: guard({ ledger, clock, origins }),
    logger,
    health: () => health(store, chain),
  });
  try {
    const url = originOf(await server.listen({ host: options.host, port: options.port }));
    if (origins.length === 0) origins.push(url);
    const stopping = new AbortController();
    const round = () => sweep({ store, chain, ledger, clock, logger, graceMs });
    const sweeping = sweepLoop({ round, clock, logger, signal: stopping.signal, intervalMs: options.sweepIntervalMs ?? L.sweepIntervalMs });
    logger.info("notary serves", { url, origins, documents: store.count() });
    return {
      endpoints: { url },
      sweep: round,
      stop: async () => {
        stopping.abort();
        await server.close();
        await sweeping;
        await store.close();
      },
    };
  } catch (cause) {
    await server.close();
    await store.close();
    throw notaryErrors.fail("notary.cannot_listen", { cause, details: { host: options.host, port: options.port } });
  }
}

function originOf(address: string): string {
  return new URL(address).origin;
}

async function health(store: DocumentStore, chain: Pick<NotaryChain, "head">): Promise<Record<string, unknown>> {
  const documents = store.count();
  try {
    const { chainId, height } = await chain.head();
    return { healthy: true, documents, chain: { chainId, height } };
  } catch {
    // Nobody's key and rights can be looked up now: documents are kept, and refused until the chain answers.
    return { healthy: false, documents, chain: null, code: "notary.chain_unavailable" };
  }
}

interface SweepLoop {
  readonly round: () => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly intervalMs: number;
}

async function sweepLoop({ round, clock, logger, signal, intervalMs }: SweepLoop): Promise<void> {
  while (!signal.aborted) {
    try {
      await clock.sleep(intervalMs, signal);
      await round();
    } catch (error) {
      if (signal.aborted) return;
      logger.warn("sweep failed; nothing was deleted, it is tried again", { error });
    }
  }
}
