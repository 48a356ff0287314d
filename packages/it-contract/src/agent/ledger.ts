/** The ledger's lists that every plan needs, read once for many solutions and again when an event says they changed. */
import type { Clock, Hex, NodeId } from "@tfgrid/primitives";
import { type ChainClient, type Farm, type Node, type Pricing, allRows } from "@tfgrid/tfchain";
import { readRents, readReputation } from "../plan/merit.ts";
import type { Rent } from "../plan/types.ts";

export interface LedgerView {
  readonly chainId: string;
  readonly nodes: readonly Node[];
  readonly farms: readonly Farm[];
  readonly pricing: Pricing;
  readonly rents: ReadonlyMap<NodeId, Rent>;
}

export interface Ledger {
  view(): Promise<LedgerView>;
  /** Encryption keys of the nodes' twins. */
  nodeKeys(): Promise<ReadonlyMap<NodeId, Hex>>;
  /** Scores of all nodes. They move slowly, so they are read seldom. */
  reputation(): Promise<ReadonlyMap<NodeId, number>>;
  /** Something changed: the next reader reads again. */
  invalidate(): void;
}

/** Without a hint for so long the lists are read again, in case the event stream is down. */
const MAX_AGE_MS = 2_000;
/** Evidence of time comes once a minute at most (governance's range), so a younger score says nothing new. */
const REPUTATION_AGE_MS = 60_000;

export function openLedger(chain: ChainClient, clock: Clock): Ledger {
  let cached: { readonly atMs: number; readonly view: Promise<LedgerView> } | undefined;
  const keys = new Map<NodeId, { readonly twinId: number; readonly key: Hex }>();
  const view = (): Promise<LedgerView> => {
    const now = clock.nowMs();
    if (cached !== undefined && now - cached.atMs <= MAX_AGE_MS) return cached.view;
    const fresh = readView(chain);
    cached = { atMs: now, view: fresh };
    fresh.catch(() => {
      if (cached?.view === fresh) cached = undefined;
    });
    return fresh;
  };
  let scores: { readonly atMs: number; readonly map: Promise<ReadonlyMap<NodeId, number>> } | undefined;
  const reputation = (): Promise<ReadonlyMap<NodeId, number>> => {
    const now = clock.nowMs();
    if (scores !== undefined && now - scores.atMs <= REPUTATION_AGE_MS) return scores.map;
    const map = readReputation(chain);
    scores = { atMs: now, map };
    map.catch(() => {
      if (scores?.map === map) scores = undefined;
    });
    return map;
  };
  return {
    view,
    reputation,
    nodeKeys: async () => {
      const { nodes } = await view();
      const missing = nodes.filter((node) => keys.get(node.id)?.twinId !== node.twinId);
      for (const node of missing) {
        // Secrets are sealed to this key: a server must not be able to put its own in its place.
        const twin = await chain.proven.twin(node.twinId);
        if (twin !== undefined) keys.set(node.id, { twinId: node.twinId, key: twin.encryptionKey });
      }
      return new Map([...keys].map(([id, { key }]) => [id, key]));
    },
    invalidate: () => {
      cached = undefined;
    },
  };
}

async function readView(chain: ChainClient): Promise<LedgerView> {
  const [head, pricing, rents, nodes, farms] = await Promise.all([
    chain.head(),
    chain.pricing(),
    readRents(chain),
    allRows((page) => chain.nodes(page)),
    allRows((page) => chain.farms(page)),
  ]);
  return { chainId: head.chainId, pricing, rents, nodes, farms };
}
