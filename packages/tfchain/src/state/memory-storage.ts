import { SortedKeys } from "./sorted-keys.ts";
import { type RangeOptions, type Storage, TABLES, type TableName, type WriteOp } from "./storage.ts";

interface Table {
  readonly values: Map<string, Uint8Array>;
  readonly keys: SortedKeys;
}

/** Keeps nothing beyond the process: simulations and fast tests. */
export function memoryStorage(): Storage {
  const tables = new Map<TableName, Table>(TABLES.map((name) => [name, { values: new Map(), keys: new SortedKeys() }]));
  const tableOf = (name: TableName): Table => tables.get(name) as Table;
  return {
    get: (table, key) => tableOf(table).values.get(key),
    range: (table, options) => rangeOf(tableOf(table), options),
    write: (ops) => {
      for (const op of ops) apply(tableOf(op.table), op);
    },
    close: () => Promise.resolve(),
  };
}

function apply(table: Table, op: WriteOp): void {
  if (op.value === undefined) {
    if (table.values.delete(op.key)) table.keys.delete(op.key);
    return;
  }
  if (!table.values.has(op.key)) table.keys.add(op.key);
  table.values.set(op.key, op.value.slice());
}

function* rangeOf(table: Table, options: RangeOptions): Iterable<readonly [string, Uint8Array]> {
  const { gte, lt, limit = Number.MAX_SAFE_INTEGER } = options;
  let sent = 0;
  for (let index = table.keys.seek(gte); index < table.keys.size && sent < limit; index += 1) {
    const key = table.keys.at(index) as string;
    if (key >= lt) return;
    sent += 1;
    yield [key, table.values.get(key) as Uint8Array];
  }
}
