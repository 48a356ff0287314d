/** Reads every entity again: for a new database, one that is far behind, and nodes at an interval. */
import { pagesOf } from "@tfgrid/tfchain";
import type { Store } from "../store/store.ts";
import type { ChainReader, Farm, FarmId } from "../types.ts";
import { writeContract, writeFarm, writeNode, writeSolution, writeTwin } from "./write.ts";

export async function resyncNodes(chain: ChainReader, store: Store): Promise<void> {
  const pricing = await chain.pricing();
  const farms = new Map<FarmId, Farm>();
  for await (const page of pagesOf((wanted) => chain.farms(wanted))) for (const farm of page) farms.set(farm.id, farm);
  for await (const nodes of pagesOf((page) => chain.nodes(page))) {
    await store.write(async (db) => {
      for (const node of nodes) await writeNode(db, node, { pricing, farm: farms.get(node.farmId) });
    });
  }
}

export async function resyncAll(chain: ChainReader, store: Store): Promise<void> {
  for await (const twins of pagesOf((page) => chain.twins(page))) {
    await store.write(async (db) => {
      for (const twin of twins) await writeTwin(db, twin);
    });
  }
  for await (const farms of pagesOf((page) => chain.farms(page))) {
    await store.write(async (db) => {
      for (const farm of farms) await writeFarm(db, farm);
    });
  }
  await resyncNodes(chain, store);
  for await (const solutions of pagesOf((page) => chain.solutions(page))) {
    await store.write(async (db) => {
      for (const solution of solutions) await writeSolution(db, solution);
    });
  }
  for await (const contracts of pagesOf((page) => chain.contracts(page))) {
    await store.write(async (db) => {
      for (const contract of contracts) await writeContract(db, contract);
    });
  }
}
