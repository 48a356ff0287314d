/**
 * LMDB: one memory-mapped file, copy-on-write B+trees, one writer. `write` is one synchronous LMDB transaction which
 * is flushed (fdatasync) before it returns: what was acknowledged afterwards survives `kill -9` and, as far as the disk keeps
 * its word, loss of power. Overlapping sync is off, because with it LMDB returns before the flush.
 * Synchronous on purpose: between two blocks no reader can see bytes that the head in memory does not know.
 */
import { mkdirSync } from "node:fs";
import { type Database, type RootDatabase, type Transaction, open } from "lmdb";
import { type Storage, type StorageReader, type StorageView, TABLES, type TableName } from "./storage.ts";

/** Bytes of address space reserved at first; LMDB grows the map by itself when the file outgrows it. */
const INITIAL_MAP_BYTES = 1024 * 1024 * 1024;

export function lmdbStorage(folder: string): Storage {
  mkdirSync(folder, { recursive: true });
  const root = open<Uint8Array, Uint8Array>({
    path: `${folder}/chain.mdb`,
    encoding: "binary",
    keyEncoding: "binary",
    maxDbs: TABLES.length,
    mapSize: INITIAL_MAP_BYTES,
    overlappingSync: false,
    noMemInit: true,
  });
  const tables: Tables = new Map(
    TABLES.map((name) => [name, root.openDB<Uint8Array, Uint8Array>({ name, encoding: "binary", keyEncoding: "binary" })]),
  );
  return {
    ...readerOf(tables),
    write: (ops) => {
      root.transactionSync(() => {
        for (const { table, key, value } of ops) {
          if (value === undefined) tableOf(tables, table).removeSync(bytesOf(key));
          else tableOf(tables, table).putSync(bytesOf(key), value);
        }
      });
    },
    clear: (names) => {
      root.transactionSync(() => {
        for (const name of names) tableOf(tables, name).clearSync();
      });
    },
    view: () => viewOf(root, tables),
    close: () => root.close(),
  };
}

type Table = Database<Uint8Array, Uint8Array>;
type Tables = ReadonlyMap<TableName, Table>;
const tableOf = (tables: Tables, name: TableName): Table => tables.get(name) as Table;

/** Without `transaction`: what was committed last. */
function readerOf(tables: Tables, transaction?: Transaction): StorageReader {
  const within = transaction === undefined ? {} : { transaction };
  return {
    get: (table, key) => tableOf(tables, table).get(bytesOf(key), within),
    *range(table, { gte, lt, limit }) {
      const options = { start: bytesOf(gte), end: bytesOf(lt), ...within, ...(limit === undefined ? {} : { limit }) };
      for (const { key, value } of tableOf(tables, table).getRange(options)) yield [textOf(key), value];
    },
  };
}

/** A read transaction of its own: the pages that it sees are not used again until it is closed. */
function viewOf(root: RootDatabase<Uint8Array, Uint8Array>, tables: Tables): StorageView {
  const transaction = root.useReadTransaction();
  return { ...readerOf(tables, transaction), close: () => transaction.done() };
}

const bytesOf = (key: string): Uint8Array => Buffer.from(key, "latin1");
const textOf = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
