/** Retention: documents that nothing on the chain has named for the grace period are deleted. In doubt nothing is. */
import type { CidText, Clock, Logger } from "@tfgrid/primitives";
import type { ChainReader } from "@tfgrid/tfchain";
import { NOTARY_LIMITS as L } from "../limits.ts";
import type { DocumentStore } from "../store/store.ts";

export interface SweepOptions {
  readonly store: DocumentStore;
  readonly chain: ChainReader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly graceMs: number;
}

export interface SweepResult {
  readonly named: number;
  readonly unnamed: number;
  readonly deleted: number;
}

/** @throws whatever reading the chain throws; then nothing was changed */
export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const { store, chain, clock, logger, graceMs } = options;
  const before = await chain.head();
  const known = store.mark();
  if (known !== undefined && (known.chainId !== before.chainId || before.height < known.height)) {
    // Another chain or one that lags behind names fewer documents: deleting by its word would lose documents in use.
    logger.warn("sweep left out: the chain is not the one that was seen before, or is behind it", { known, head: before });
    return { named: 0, unnamed: 0, deleted: 0 };
  }
  const inUse = await namedOnChain(chain);
  await store.setMark({ chainId: before.chainId, height: before.height });
  const result = { named: 0, unnamed: 0, deleted: 0 };
  let after: CidText | undefined;
  for (;;) {
    const page = store.list({ ...(after === undefined ? {} : { after }), limit: L.chainPage });
    for (const cid of page) result[await judge({ store, cid, named: inUse.has(cid), nowMs: clock.nowMs(), graceMs })] += 1;
    after = page.at(-1);
    if (after === undefined || page.length < L.chainPage) break;
  }
  if (result.deleted > 0) logger.info("documents without a contract deleted", result);
  return result;
}

interface Judgement {
  readonly store: DocumentStore;
  readonly cid: CidText;
  readonly named: boolean;
  readonly nowMs: number;
  readonly graceMs: number;
}

async function judge({ store, cid, named, nowMs, graceMs }: Judgement): Promise<keyof SweepResult> {
  let verdict: keyof SweepResult = named ? "named" : "unnamed";
  const first = store.record(cid);
  // Most documents are named and stay so: no write for them.
  if (named && first?.unnamedSinceMs === null) return verdict;
  await store.update(cid, (record) => {
    if (record === undefined) return undefined;
    if (named) return { record: { ...record, unnamedSinceMs: null } };
    const sinceMs = record.unnamedSinceMs;
    if (sinceMs === null) return { record: { ...record, unnamedSinceMs: nowMs } };
    if (nowMs - sinceMs < graceMs) return undefined;
    verdict = "deleted";
    return null;
  });
  return verdict;
}

async function namedOnChain(chain: ChainReader): Promise<ReadonlySet<CidText>> {
  const cids = new Set<CidText>();
  for await (const contract of pages((after) => chain.contracts({ active: true, after, limit: L.chainPage }))) {
    if (contract.type === "node" && contract.state !== "deleted") cids.add(contract.instruction);
  }
  for await (const solution of pages((after) => chain.solutions({ after, limit: L.chainPage }))) {
    if (solution.state === "cancelled") continue;
    cids.add(solution.document);
    if (solution.pending?.document != null) cids.add(solution.pending.document);
  }
  return cids;
}

async function* pages<T extends { readonly id: number }>(read: (after: number) => Promise<readonly T[]>): AsyncGenerator<T> {
  let after = 0;
  for (;;) {
    const page = await read(after);
    yield* page;
    const last = page.at(-1);
    // Until an empty page: a server may answer fewer rows than asked for.
    if (last === undefined) return;
    after = last.id;
  }
}
