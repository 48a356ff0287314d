/** What the planner needs to know of nodes beside the nodes themselves: who rents them, and how they have done. */
import type { NodeId } from "@tfgrid/primitives";
import { type ChainReader, allRows } from "@tfgrid/tfchain";
import type { Rent } from "./types.ts";

export async function readRents(chain: Pick<ChainReader, "rents">): Promise<ReadonlyMap<NodeId, Rent>> {
  const rows = await allRows((page) => chain.rents(page), ({ nodeId }) => nodeId);
  return new Map(rows.map(({ nodeId, twinId, state }) => [nodeId, { twinId, paid: state === "created" }]));
}

export async function readReputation(chain: Pick<ChainReader, "nodeReputations">): Promise<ReadonlyMap<NodeId, number>> {
  const rows = await allRows((page) => chain.nodeReputations(page), ({ nodeId }) => nodeId);
  return new Map(rows.map(({ nodeId, score }) => [nodeId, score]));
}
