import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Transaction } from "kysely";
import { createTables, type Database, dropTables, SCHEMA_VERSION, type Tables } from "./schema.ts";
import { openSqlite } from "./sqlite.ts";

export interface Progress {
  readonly chainId: string;
  /** Last block whose events are in the tables; 0 for none. */
  readonly height: number;
  readonly timeMs: number;
  /** Entities are at least as new as this block. */
  readonly entitiesHeight: number;
}
const NO_PROGRESS: Progress = { chainId: "", height: 0, timeMs: 0, entitiesHeight: 0 };

/**
 * Writer and reader are two connections: the driver has no lock of its own, so a read on the writer's connection would see
 * a block half written.
 */
export interface Store {
  readonly reader: Database;
  write<T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T>;
  progress(): Promise<Progress>;
  /** Forgets everything: the ledger is another one, or an older state of it. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function readProgress(db: Database): Promise<Progress> {
  const row = await db.selectFrom("meta").select("value").where("key", "=", "progress").executeTakeFirst();
  return row === undefined ? NO_PROGRESS : (JSON.parse(row.value) as Progress);
}

export async function writeProgress(db: Database, progress: Progress): Promise<void> {
  await putMeta(db, "progress", JSON.stringify(progress));
}

export async function putMeta(db: Database, key: string, value: string): Promise<void> {
  await db
    .insertInto("meta")
    .values({ key, value })
    .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
    .execute();
}

export async function openStore(dataDir: string): Promise<Store> {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, "explorer.sqlite");
  const writer = openSqlite(path, { readOnly: false });
  await prepare(writer);
  const reader = openSqlite(path, { readOnly: true });
  // One transaction at a time on the one writing connection.
  let last: Promise<unknown> = Promise.resolve();
  const write = async <T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T> => {
    const next = last.then(() => writer.transaction().execute(work));
    last = next.catch(() => undefined);
    return next;
  };
  return {
    reader,
    write,
    progress: () => readProgress(reader),
    clear: () =>
      write(async (transaction) => {
        await dropTables(transaction);
        await createTables(transaction);
        await putMeta(transaction, "schema", SCHEMA_VERSION);
      }),
    close: async () => {
      await last;
      await reader.destroy();
      await writer.destroy();
    },
  };
}

async function prepare(db: Database): Promise<void> {
  await createTables(db);
  const schema = await db.selectFrom("meta").select("value").where("key", "=", "schema").executeTakeFirst();
  if (schema?.value === SCHEMA_VERSION) return;
  await dropTables(db);
  await createTables(db);
  await putMeta(db, "schema", SCHEMA_VERSION);
}
