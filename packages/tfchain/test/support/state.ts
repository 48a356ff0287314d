/** Hand-made states for tests of storage, proofs and snapshots. */
import { type StateStore, type Storage, type TableName, TABLES } from "../../src/state/index.ts";

export type Changes = readonly (readonly [key: string, value: Uint8Array | undefined])[];
/** Every key that a state may have. */
export const ALL = { gte: "\0", lt: "\x7f" } as const;

/** One block's worth of changes, as an engine commits them. */
export function commit(storage: Storage, state: StateStore, changes: Changes): void {
  const draft = state.draft();
  for (const [name, bytes] of changes) {
    if (bytes === undefined) draft.delete(name);
    else draft.set(name, bytes);
  }
  const sealed = draft.seal();
  storage.write(sealed.ops);
  sealed.adopt();
}

/** All rows of all tables, for comparisons. */
export function dump(storage: Storage): Record<TableName, [string, string][]> {
  const rows = (table: TableName): [string, string][] => [...storage.range(table, ALL)].map(([key, value]) => [key, Buffer.from(value).toString("hex")]);
  return Object.fromEntries(TABLES.map((table) => [table, rows(table)])) as Record<TableName, [string, string][]>;
}
