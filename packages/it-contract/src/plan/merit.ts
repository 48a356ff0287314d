/** What the planner needs to know of nodes beside the nodes themselves: who rents them, and how they have done. */
import type { NodeId } from "@tfgrid/primitives";
import type { ChainReader } from "@tfgrid/tfchain";
import type { Rent } from "./types.ts";

const PAGE_ROWS = 1_000;

async function byNode<T>(read: (page: { readonly after: number; readonly limit: number }) => Promise<readonly T[]>, nodeOf: (row: T) => NodeId): Promise<readonly T[]> {
  const out: T[] = [];
  for (;;) {
    const last = out.at(-1);
    const rows = await read({ after: last === undefined ? 0 : nodeOf(last), limit: PAGE_ROWS });
    out.push(...rows);
    if (rows.length < PAGE_ROWS) return out;
  }
}

export async function readRents(chain: Pick<ChainReader, "rents">): Promise<ReadonlyMap<NodeId, Rent>> {
  const rows = await byNode((page) => chain.rents(page), ({ nodeId }) => nodeId);
  return new Map(rows.map(({ nodeId, twinId, state }) => [nodeId, { twinId, paid: state === "created" }]));
}

export async function readReputation(chain: Pick<ChainReader, "nodeReputations">): Promise<ReadonlyMap<NodeId, number>> {
  const rows = await byNode((page) => chain.nodeReputations(page), ({ nodeId }) => nodeId);
  return new Map(rows.map(({ nodeId, score }) => [nodeId, score]));
}
