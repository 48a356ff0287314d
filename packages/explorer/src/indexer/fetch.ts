/** Reads entities from the ledger, a bounded number at a time. */
import { EXPLORER_LIMITS as L } from "../limits.ts";
import type { ChainReader, Contract, Farm, FarmId, Node, Pricing, Solution, Twin } from "../types.ts";
import type { Touched } from "./touched.ts";

export interface Entities {
  readonly farms: readonly Farm[];
  readonly twins: readonly Twin[];
  readonly nodes: readonly Node[];
  readonly contracts: readonly Contract[];
  readonly solutions: readonly Solution[];
  readonly pricing: Pricing;
}

async function readEach<Id, T>(ids: Iterable<Id>, read: (id: Id) => Promise<T | undefined>): Promise<T[]> {
  const queue = [...ids];
  const found: T[] = [];
  const worker = async (): Promise<void> => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      const value = await read(id);
      if (value !== undefined) found.push(value);
    }
  };
  await Promise.all(Array.from({ length: Math.min(L.chainReadsAtOnce, queue.length) }, worker));
  return found;
}

export async function fetchTouched(chain: ChainReader, touched: Touched): Promise<Entities> {
  const pricing = await chain.pricing();
  const contracts = await readEach(touched.contracts, (id) => chain.contract(id));
  const nodes = await readEach(touched.nodes, (id) => chain.node(id));
  // A node's price is its farm's to set, and contracts take and give back public addresses, which the farm holds.
  const farmIds = new Set<FarmId>([...touched.farms, ...nodes.map(({ farmId }) => farmId)]);
  return {
    pricing,
    contracts,
    nodes,
    farms: await readEach(farmIds, (id) => chain.farm(id)),
    twins: await readEach(touched.twins, (id) => chain.twin(id)),
    solutions: await readEach(touched.solutions, (id) => chain.solution(id)),
  };
}
