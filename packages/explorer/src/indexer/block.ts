/** One block into the database: entities, bills, timeline and height in one transaction. */
import { chain as schemas } from "@tfgrid/tfchain";
import type { Store } from "../store/store.ts";
import { type Progress, writeProgress } from "../store/store.ts";
import type { Database } from "../store/schema.ts";
import type { Contract, ContractId, EventBlock, NodeId } from "../types.ts";
import type { Entities } from "./fetch.ts";
import { type TimelineRow, tell, type View } from "./timeline.ts";
import { touchedBy } from "./touched.ts";
import { removeEnded, writeEntities } from "./write.ts";

const parseContract = (body: string): Contract => schemas.contract.fromJson(JSON.parse(body));

async function contractsById(db: Database, ids: ReadonlySet<ContractId>): Promise<Map<ContractId, { contract: Contract; told: string }>> {
  const found = new Map<ContractId, { contract: Contract; told: string }>();
  // One by one by primary key: a block can name any number of contracts, a statement can take only so many ids.
  for (const id of ids) {
    const row = await db.selectFrom("contracts").select(["body", "told"]).where("contract_id", "=", id).executeTakeFirst();
    if (row !== undefined) found.set(id, { contract: parseContract(row.body), told: row.told });
  }
  return found;
}

async function readView(db: Database, block: EventBlock, entities: Entities | undefined): Promise<View> {
  const touched = touchedBy(block.events.filter(({ type }) => type !== "contracts.billed"));
  const stored = await contractsById(db, touched.contracts);
  const before = new Map([...stored].map(([id, { contract }]) => [id, contract]));
  const onNode = new Map<NodeId, Contract[]>();
  for (const event of block.events) {
    if (event.type !== "nodes.up" && event.type !== "nodes.down") continue;
    const rows = await db
      .selectFrom("contracts")
      .select("body")
      .where("node_id", "=", event.nodeId)
      .where("state", "!=", "Deleted")
      .where("type", "=", "node")
      .execute();
    onNode.set(
      event.nodeId,
      rows.map(({ body }) => parseContract(body)),
    );
  }
  const placements = new Map<string, NodeId>();
  for (const solutionId of touched.solutions) {
    const rows = await db.selectFrom("placements").selectAll().where("solution_id", "=", solutionId).execute();
    for (const { zmachine, node_id } of rows) placements.set(`${solutionId}/${zmachine}`, node_id as NodeId);
  }
  return {
    before,
    now: entities === undefined ? before : new Map([...before, ...entities.contracts.map((contract) => [contract.id, contract] as const)]),
    onNode,
    placements,
    told: new Map([...stored].map(([id, { told }]) => [id, told])),
  };
}

async function writeRows(db: Database, block: EventBlock, rows: readonly TimelineRow[]): Promise<void> {
  for (const { type, code, level, sentence, solutionId, contractId, nodeId, event } of rows) {
    await db
      .insertInto("events")
      .values({
        height: block.height,
        time_ms: block.timeMs,
        type,
        code,
        level,
        sentence,
        solution_id: solutionId,
        contract_id: contractId,
        node_id: nodeId,
        body: JSON.stringify(schemas.event.toJson(event)),
      })
      .execute();
  }
}

async function writeBills(db: Database, block: EventBlock): Promise<void> {
  for (const [idx, event] of block.events.entries()) {
    if (event.type !== "contracts.billed") continue;
    const { contractId, amountUnits, fromMs, toMs } = event;
    // SQLite keeps 64 bits and money is far below 2^53 units per bill (900 million TFT): a number is exact here.
    await db
      .insertInto("bills")
      .values({ height: block.height, idx, contract_id: contractId, amount: Number(amountUnits), from_ms: fromMs, to_ms: toMs })
      .onConflict((conflict) => conflict.columns(["height", "idx"]).doNothing())
      .execute();
  }
}

async function writeView(
  db: Database,
  view: View,
  loaded: { readonly placements: ReadonlyMap<string, NodeId>; readonly told: ReadonlyMap<ContractId, string> },
): Promise<void> {
  for (const [key, nodeId] of view.placements) {
    if (loaded.placements.get(key) === nodeId) continue;
    const slash = key.indexOf("/");
    await db
      .insertInto("placements")
      .values({ solution_id: Number(key.slice(0, slash)), zmachine: key.slice(slash + 1), node_id: nodeId })
      .onConflict((conflict) => conflict.columns(["solution_id", "zmachine"]).doUpdateSet({ node_id: nodeId }))
      .execute();
  }
  for (const [contractId, told] of view.told) {
    if (loaded.told.get(contractId) === told) continue;
    await db.updateTable("contracts").set({ told }).where("contract_id", "=", contractId).execute();
  }
}

/** `entities` is undefined while history is replayed that the stored entities already contain. */
export async function writeBlock(
  store: Store,
  options: { readonly block: EventBlock; readonly entities: Entities | undefined; readonly progress: Progress },
): Promise<Progress> {
  const { block, entities } = options;
  const progress: Progress = {
    ...options.progress,
    height: block.height,
    timeMs: block.timeMs,
    entitiesHeight: Math.max(options.progress.entitiesHeight, block.height),
  };
  await store.write(async (db) => {
    const view = await readView(db, block, entities);
    const loaded = { placements: new Map(view.placements), told: new Map(view.told) };
    if (entities !== undefined) await writeEntities(db, entities);
    await removeEnded(db, block.events);
    const rows = block.events.flatMap((event) => tell(event, view));
    await writeRows(db, block, rows);
    await writeBills(db, block);
    await writeView(db, view, loaded);
    await writeProgress(db, progress);
  });
  return progress;
}
