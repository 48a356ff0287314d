/**
 * LMDB: one memory-mapped file, copy-on-write B+trees, one writer. `write` is one synchronous LMDB transaction which
 * is flushed (fdatasync) before it returns: what was acknowledged afterwards survives `kill -9` and, as far as the disk keeps
 * its word, loss of power. Overlapping sync is off, because with it LMDB returns before the flush.
 * Synchronous on purpose: between two blocks no reader can see bytes that the head in memory does not know.
 */
import { mkdirSync } from "node:fs";
import { isGridError } from "@tfgrid/primitives";
import { type Database, type RootDatabase, type RootDatabaseOptionsWithPath, type Transaction, open } from "lmdb";
import { requireLmdbFile, storageError, unknownFile } from "./lmdb-file.ts";
import { type Storage, type StorageReader, type StorageView, TABLES, type TableName, type WriteOp } from "./storage.ts";

/**
 * Bytes of address space, not of memory or disk. LMDB grows the map by itself when the file outgrows it, but keeps the old ones
 * beside it, and the same pages count once for each: so it begins with more than a ledger of many million contracts needs.
 */
const INITIAL_MAP_BYTES = 64 * 1024 * 1024 * 1024;

/** @throws GridError chain.format_unknown, chain.disk_full, chain.storage_failed */
export function lmdbStorage(folder: string): Storage {
  const file = `${folder}/chain.mdb`;
  const root = coded({ file, bytes: 0 }, () => {
    mkdirSync(folder, { recursive: true });
    requireLmdbFile(file);
    return openRoot(file);
  });
  requireOwnTables(file, root);
  const tables: Tables = new Map(
    TABLES.map((name) => [name, root.openDB<Uint8Array, Uint8Array>({ name, encoding: "binary", keyEncoding: "binary" })]),
  );
  const transact = (bytes: number, change: () => void): void => coded({ file, bytes }, () => root.transactionSync(change));
  return {
    ...readerOf(tables),
    write: (ops) =>
      transact(sizeOf(ops), () => {
        for (const { table, key, value } of ops) {
          if (value === undefined) tableOf(tables, table).removeSync(bytesOf(key));
          else tableOf(tables, table).putSync(bytesOf(key), value);
        }
      }),
    clear: (names) =>
      transact(0, () => {
        for (const name of names) tableOf(tables, name).clearSync();
      }),
    view: () => viewOf(root, tables),
    close: () => root.close(),
  };
}

type Root = RootDatabase<Uint8Array, Uint8Array>;

function openRoot(file: string): Root {
  // Rows are read all over the file: their neighbours would come into memory with them, and slow each read down.
  const options: RootDatabaseOptionsWithPath & { readonly noReadAhead: boolean } = {
    path: file,
    encoding: "binary",
    keyEncoding: "binary",
    maxDbs: TABLES.length,
    mapSize: INITIAL_MAP_BYTES,
    overlappingSync: false,
    noMemInit: true,
    noReadAhead: true,
  };
  return open<Uint8Array, Uint8Array>(options);
}

/** The root lists the tables by name: a file that holds others is not a chain's, or of a release to come. */
function requireOwnTables(file: string, root: Root): void {
  for (const key of root.getKeys()) {
    const name = textOf(key).replace(/\0$/, "");
    if (TABLES.some((table) => table === name)) continue;
    void root.close();
    throw unknownFile(file, `holds the table ${JSON.stringify(name.slice(0, 32))}`);
  }
}

function coded<T>(options: { readonly file: string; readonly bytes: number }, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw isGridError(cause) ? cause : storageError(cause, options);
  }
}

const sizeOf = (ops: readonly WriteOp[]): number => ops.reduce((total, { key, value }) => total + key.length + (value?.length ?? 0), 0);

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
function viewOf(root: Root, tables: Tables): StorageView {
  const transaction = root.useReadTransaction();
  return { ...readerOf(tables, transaction), close: () => transaction.done() };
}

const bytesOf = (key: string): Uint8Array => Buffer.from(key, "latin1");
const textOf = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
