/** Where a chain keeps its bytes: a few ordered tables and one way to write, all or nothing. */

export const TABLES = ["state", "tree", "blocks", "events", "txs", "history", "meta"] as const;
export type TableName = (typeof TABLES)[number];

export interface RangeOptions {
  readonly gte: string;
  readonly lt: string;
  readonly limit?: number;
}

export interface WriteOp {
  readonly table: TableName;
  readonly key: string;
  /** undefined deletes. */
  readonly value: Uint8Array | undefined;
}

export interface StorageReader {
  get(table: TableName, key: string): Uint8Array | undefined;
  range(table: TableName, options: RangeOptions): Iterable<readonly [key: string, value: Uint8Array]>;
}

/** What the tables held at one moment, however much is written meanwhile. Holds disk space until it is closed. */
export interface StorageView extends StorageReader {
  close(): void;
}

/**
 * Keys are non-empty ASCII text of at most 1,024 bytes, in byte order. Two drivers, memory and LMDB, pass one compliance suite.
 * Reads see the last `write` that returned.
 */
export interface Storage extends StorageReader {
  /** Atomic; when it returns, the writes are as durable as the driver can make them. */
  write(ops: readonly WriteOp[]): void;
  /** Empties whole tables, atomically and whatever their size. */
  clear(tables: readonly TableName[]): void;
  /** As of the last `write` that returned. */
  view(): StorageView;
  close(): Promise<void>;
}
