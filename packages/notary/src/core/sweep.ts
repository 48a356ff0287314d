/** Retention: documents that nothing on the chain has named for the grace period are deleted. In doubt nothing is. */
import type { CidText, Clock, Logger } from "@tfgrid/primitives";
import { NOTARY_LIMITS as L } from "../limits.ts";
import type { DocumentStore } from "../store/store.ts";
import { isNamed } from "./access.ts";
import type { Ledger, NotaryChain } from "./ledger.ts";

export interface SweepOptions {
  readonly store: DocumentStore;
  readonly chain: Pick<NotaryChain, "head" | "contracts" | "solutions">;
  readonly ledger: Ledger;
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
  const { store, chain, ledger, clock, logger, graceMs } = options;
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
    for (const cid of page) result[await judge({ store, ledger, cid, named: inUse.has(cid), nowMs: clock.nowMs(), graceMs })] += 1;
    after = page.at(-1);
    if (after === undefined || page.length < L.chainPage) break;
  }
  if (result.deleted > 0) logger.info("documents without a contract deleted", result);
  return result;
}

interface Judgement {
  readonly store: DocumentStore;
  readonly ledger: Ledger;
  readonly cid: CidText;
  /** By a server's lists. */
  readonly named: boolean;
  readonly nowMs: number;
  readonly graceMs: number;
}

async function judge({ store, ledger, cid, named: listed, nowMs, graceMs }: Judgement): Promise<keyof SweepResult> {
  const first = store.record(cid);
  // Most documents are named and stay so: no write for them.
  if (listed && first?.unnamedSinceMs === null) return "named";
  // What a list leaves out is a server's word: nothing is deleted on it alone.
  const due = first !== undefined && first.unnamedSinceMs !== null && nowMs - first.unnamedSinceMs >= graceMs;
  const named = listed || (due && (await ledger.ask((chain) => isNamed({ chain, cid, record: first, bytes: store.bytes(cid) }))) === true);
  let verdict: keyof SweepResult = named ? "named" : "unnamed";
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

async function namedOnChain(chain: SweepOptions["chain"]): Promise<ReadonlySet<CidText>> {
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
