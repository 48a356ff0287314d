/** Entities into their tables, inside the caller's transaction. */
import type { Database } from "../store/schema.ts";
import type { ChainEvent, Contract, Farm, Node, Pricing, Solution, Twin } from "../types.ts";
import type { Entities } from "./fetch.ts";
import { contractRow, farmRow, nodeRow, publicIpRows, solutionRow, twinRow } from "./rows.ts";

export async function writeFarm(db: Database, farm: Farm): Promise<void> {
  const farmValues = farmRow(farm);
  await db
    .insertInto("farms")
    .values(farmValues)
    .onConflict((conflict) => conflict.column("farm_id").doUpdateSet(farmValues))
    .execute();
  await db.deleteFrom("public_ips").where("farm_id", "=", farm.id).execute();
  for (const row of publicIpRows(farm)) await db.insertInto("public_ips").values(row).execute();
}

export async function writeTwin(db: Database, twin: Twin): Promise<void> {
  const row = twinRow(twin);
  await db
    .insertInto("twins")
    .values(row)
    .onConflict((conflict) => conflict.column("twin_id").doUpdateSet(row))
    .execute();
}

export async function writeNode(db: Database, node: Node, by: { readonly pricing: Pricing; readonly farm: Farm | undefined }): Promise<void> {
  const row = nodeRow(node, by.pricing, by.farm);
  await db
    .insertInto("nodes")
    .values(row)
    .onConflict((conflict) => conflict.column("node_id").doUpdateSet(row))
    .execute();
}

/** `told` belongs to the timeline and stays as it is. */
export async function writeContract(db: Database, contract: Contract): Promise<void> {
  const row = contractRow(contract);
  await db
    .insertInto("contracts")
    .values({ ...row, told: "" })
    .onConflict((conflict) => conflict.column("contract_id").doUpdateSet(row))
    .execute();
}

export async function writeSolution(db: Database, solution: Solution): Promise<void> {
  const row = solutionRow(solution);
  await db
    .insertInto("solutions")
    .values(row)
    .onConflict((conflict) => conflict.column("solution_id").doUpdateSet(row))
    .execute();
}

/** What has ended is gone from the ledger too; ids are never given twice. Contracts and solutions stay, as their own past. */
export async function removeEnded(db: Database, events: readonly ChainEvent[]): Promise<void> {
  for (const event of events) {
    if (event.type === "nodes.deleted") await db.deleteFrom("nodes").where("node_id", "=", event.nodeId).execute();
    if (event.type === "twins.closed") await db.deleteFrom("twins").where("twin_id", "=", event.twinId).execute();
    if (event.type !== "farms.deleted") continue;
    await db.deleteFrom("farms").where("farm_id", "=", event.farmId).execute();
    await db.deleteFrom("public_ips").where("farm_id", "=", event.farmId).execute();
  }
}

export async function writeEntities(db: Database, entities: Entities): Promise<void> {
  for (const farm of entities.farms) await writeFarm(db, farm);
  for (const twin of entities.twins) await writeTwin(db, twin);
  const farms = new Map(entities.farms.map((farm) => [farm.id, farm]));
  for (const node of entities.nodes) await writeNode(db, node, { pricing: entities.pricing, farm: farms.get(node.farmId) });
  for (const contract of entities.contracts) await writeContract(db, contract);
  for (const solution of entities.solutions) await writeSolution(db, solution);
}
