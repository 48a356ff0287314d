/** Node's own SQLite behind Kysely: the dialect wants better-sqlite3's form, which is native code that may have no prebuilt binary. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement } from "kysely";
import { EXPLORER_LIMITS as L } from "../limits.ts";
import type { Database, Tables } from "./schema.ts";

type SqlValue = string | number | bigint | null | Uint8Array;

function adapt(statement: StatementSync): SqliteStatement {
  const values = (parameters: readonly unknown[]): SqlValue[] => parameters as SqlValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)) as IterableIterator<unknown>,
  };
}

function statementCache(database: DatabaseSync): SqliteDatabase {
  const cache = new Map<string, SqliteStatement>();
  return {
    close: () => {
      cache.clear();
      database.close();
    },
    prepare: (text) => {
      const known = cache.get(text);
      if (known !== undefined) return known;
      const statement = adapt(database.prepare(text));
      // Statements of changing shape (lists of ids) must not pile up: forget the oldest.
      if (cache.size >= L.maxStatements) cache.delete(cache.keys().next().value as string);
      cache.set(text, statement);
      return statement;
    },
  };
}

/**
 * WAL lets readers go on while a block is written. `synchronous = normal` can lose the newest blocks in a power cut, never
 * the order: height and rows are one transaction, so the lost blocks are simply followed again.
 */
export function openSqlite(path: string, options: { readonly readOnly: boolean }): Database {
  const database = new DatabaseSync(path, { readOnly: options.readOnly, timeout: 5_000 });
  database.exec(`pragma cache_size = -${L.pageCacheKib}`);
  if (!options.readOnly) database.exec("pragma journal_mode = wal; pragma synchronous = normal; pragma journal_size_limit = 16777216");
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: statementCache(database) }) });
}
