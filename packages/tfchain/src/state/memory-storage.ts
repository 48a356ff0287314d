import { SortedKeys } from "./sorted-keys.ts";
import { type RangeOptions, type Storage, type StorageReader, TABLES, type TableName, type WriteOp } from "./storage.ts";

interface Table {
  readonly values: Map<string, Uint8Array>;
  readonly keys: SortedKeys;
}
type Tables = Map<TableName, Table>;

/** Keeps nothing beyond the process: simulations and fast tests. */
export function memoryStorage(): Storage {
  const tables: Tables = new Map(TABLES.map((name) => [name, emptyTable()]));
  /** Tables that an open view reads too: they are copied before they change. */
  const shared = new Set<Table>();
  const ownTable = (name: TableName): Table => {
    const table = tables.get(name) as Table;
    if (!shared.has(table)) return table;
    const copy = { values: new Map(table.values), keys: table.keys.copy() };
    tables.set(name, copy);
    return copy;
  };
  return {
    ...readerOf(tables),
    write: (ops) => {
      for (const op of ops) apply(ownTable(op.table), op);
    },
    clear: (names) => {
      for (const name of names) tables.set(name, emptyTable());
    },
    view: () => {
      const seen: Tables = new Map(tables);
      for (const table of seen.values()) shared.add(table);
      return { ...readerOf(seen), close: () => seen.clear() };
    },
    close: () => Promise.resolve(),
  };
}

const emptyTable = (): Table => ({ values: new Map(), keys: new SortedKeys() });

function readerOf(tables: Tables): StorageReader {
  const tableOf = (name: TableName): Table => {
    const table = tables.get(name);
    if (table === undefined) throw new Error("the view is closed");
    return table;
  };
  return { get: (table, key) => tableOf(table).values.get(key), range: (table, options) => rangeOf(tableOf(table), options) };
}

function apply(table: Table, op: WriteOp): void {
  if (op.value === undefined) {
    if (table.values.delete(op.key)) table.keys.delete(op.key);
    return;
  }
  if (!table.values.has(op.key)) table.keys.add(op.key);
  // `slice` of a Buffer would share its memory.
  table.values.set(op.key, new Uint8Array(op.value));
}

function* rangeOf(table: Table, options: RangeOptions): Iterable<readonly [string, Uint8Array]> {
  const { gte, lt, limit = Number.MAX_SAFE_INTEGER } = options;
  let sent = 0;
  for (const key of table.keys.from(gte)) {
    if (key >= lt || sent >= limit) return;
    sent += 1;
    yield [key, table.values.get(key) as Uint8Array];
  }
}
