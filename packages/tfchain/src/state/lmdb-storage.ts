/**
 * LMDB: one memory-mapped file, copy-on-write B+trees, one writer. `write` is one synchronous LMDB transaction which
 * is flushed (fdatasync) before it returns: what was acknowledged afterwards survives `kill -9` and, as far as the disk keeps
 * its word, loss of power. Overlapping sync is off, because with it LMDB returns before the flush.
 * Synchronous on purpose: between two blocks no reader can see bytes that the head in memory does not know.
 */
import { mkdirSync } from "node:fs";
import { type Database, open } from "lmdb";
import { type Storage, TABLES, type TableName } from "./storage.ts";

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
  const tables = new Map<TableName, Database<Uint8Array, Uint8Array>>(
    TABLES.map((name) => [name, root.openDB<Uint8Array, Uint8Array>({ name, encoding: "binary", keyEncoding: "binary" })]),
  );
  const tableOf = (name: TableName): Database<Uint8Array, Uint8Array> => tables.get(name) as Database<Uint8Array, Uint8Array>;
  return {
    get: (table, key) => tableOf(table).get(bytesOf(key)),
    *range(table, { gte, lt, limit }) {
      const rows = tableOf(table).getRange({ start: bytesOf(gte), end: bytesOf(lt), ...(limit === undefined ? {} : { limit }) });
      for (const { key, value } of rows) yield [textOf(key), value];
    },
    write: (ops) => {
      root.transactionSync(() => {
        for (const { table, key, value } of ops) {
          if (value === undefined) tableOf(table).removeSync(bytesOf(key));
          else tableOf(table).putSync(bytesOf(key), value);
        }
      });
    },
    close: () => root.close(),
  };
}

const bytesOf = (key: string): Uint8Array => Buffer.from(key, "latin1");
const textOf = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
