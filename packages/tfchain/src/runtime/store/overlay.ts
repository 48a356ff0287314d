/** Writes kept aside until they are wanted: what makes a batch of calls all or nothing. */
import { type Schema, encode } from "@tfgrid/primitives";
import type { StateReader, StateWriter } from "../api.ts";
import { type RowWriter, readRow, writeRow } from "./rows.ts";

export interface Overlay extends RowWriter {
  /** Hands every write to the state below, in key order; either all or, when a row cannot be encoded, none. @throws GridError codec.* */
  commit(): void;
}

type Entry = readonly [key: string, value: Uint8Array];
/** A row waits as a value until its bytes are asked for: what is written several times in one batch is encoded once. */
interface Row {
  readonly schema: Schema<unknown>;
  readonly value: unknown;
  bytes: Uint8Array | undefined;
}
/** undefined deletes. */
type Write = Row | Uint8Array | undefined;
type Writes = Map<string, Write>;

const isRow = (write: Write): write is Row => write !== undefined && "schema" in write;

function bytesOf(write: Write): Uint8Array | undefined {
  if (!isRow(write)) return write;
  write.bytes ??= encode(write.schema, write.value);
  return write.bytes;
}

export function overlay(below: StateWriter): Overlay {
  const writes: Writes = new Map();
  return {
    get: (key) => (writes.has(key) ? bytesOf(writes.get(key)) : below.get(key)),
    set: (key, bytes) => void writes.set(key, bytes),
    delete: (key) => void writes.set(key, undefined),
    readRow: <V>(key: string, schema: Schema<V>): V | undefined => {
      const write = writes.get(key);
      if (isRow(write)) return write.value as V;
      return write === undefined && writes.has(key) ? undefined : readRow(write === undefined ? below : own(writes), key, schema);
    },
    writeRow: (key, schema, value, bytes) => void writes.set(key, { schema: schema as Schema<unknown>, value, bytes }),
    range: (options) => merged(below, writes, options),
    commit: () => {
      const keys = [...writes.keys()].sort();
      for (const key of keys) bytesOf(writes.get(key));
      for (const key of keys) hand(below, key, writes.get(key));
      writes.clear();
    },
  };
}

/** What was written as bytes, to be read as a row. */
const own = (writes: Writes): StateReader => ({ get: (key) => bytesOf(writes.get(key)), range: () => [] });

function hand(below: StateWriter, key: string, write: Write): void {
  if (write === undefined) below.delete(key);
  else if (isRow(write)) writeRow(below, { key, ...write, bytes: bytesOf(write) as Uint8Array });
  else below.set(key, write);
}

function* merged(
  below: StateReader,
  writes: Writes,
  options: { readonly gte: string; readonly lt: string; readonly limit?: number },
): Iterable<Entry> {
  const { gte, lt, limit = Number.MAX_SAFE_INTEGER } = options;
  const own = [...writes.keys()].filter((key) => key >= gte && key < lt).sort();
  // The limit is ours: rows deleted above must not count against it below.
  const base = below.range({ gte, lt })[Symbol.iterator]();
  let next = base.next();
  let index = 0;
  let sent = 0;
  try {
    while (sent < limit && (index < own.length || next.done !== true)) {
      const mine = own[index];
      const theirs = next.done === true ? undefined : next.value;
      const takeMine = mine !== undefined && (theirs === undefined || mine <= theirs[0]);
      if (takeMine && theirs !== undefined && mine === theirs[0]) next = base.next();
      if (!takeMine) next = base.next();
      if (takeMine) index += 1;
      const value = takeMine ? bytesOf(writes.get(mine)) : theirs?.[1];
      const key = takeMine ? mine : theirs?.[0];
      if (value === undefined || key === undefined) continue;
      sent += 1;
      yield [key, value];
    }
  } finally {
    base.return?.();
  }
}
