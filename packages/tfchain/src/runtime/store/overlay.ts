/** Writes kept aside until they are wanted: what makes a batch of calls all or nothing. */
import type { Schema } from "@tfgrid/primitives";
import type { StateReader, StateWriter } from "../api.ts";
import { type RowWriter, encodeRow } from "./table.ts";

export interface Overlay extends RowWriter {
  /** Hands every write to the state below, in key order; either all or, when a row cannot be encoded, none. @throws GridError codec.* */
  commit(): void;
}

type Entry = readonly [key: string, value: Uint8Array];
/** A row waits as a value until its bytes are asked for. */
type Write = { readonly bytes: Uint8Array | undefined } | { readonly schema: Schema<unknown>; readonly value: unknown };
type Writes = Map<string, Write>;

function bytesOf(writes: Writes, key: string): Uint8Array | undefined {
  const write = writes.get(key);
  if (write === undefined || "bytes" in write) return write?.bytes;
  const bytes = encodeRow(write.schema, write.value);
  writes.set(key, { bytes });
  return bytes;
}

export function overlay(below: StateWriter): Overlay {
  const writes: Writes = new Map();
  return {
    get: (key) => (writes.has(key) ? bytesOf(writes, key) : below.get(key)),
    set: (key, bytes) => void writes.set(key, { bytes }),
    delete: (key) => void writes.set(key, { bytes: undefined }),
    setRow: <V>(key: string, schema: Schema<V>, value: V) => void writes.set(key, { schema: schema as Schema<unknown>, value }),
    getRow: (key) => {
      const write = writes.get(key);
      return write !== undefined && "value" in write ? write : undefined;
    },
    range: (options) => merged(below, writes, options),
    commit: () => {
      const encoded = [...writes.keys()].sort().map((key) => [key, bytesOf(writes, key)] as const);
      for (const [key, bytes] of encoded) {
        if (bytes === undefined) below.delete(key);
        else below.set(key, bytes);
      }
      writes.clear();
    },
  };
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
      const value = takeMine ? bytesOf(writes, mine) : theirs?.[1];
      const key = takeMine ? mine : theirs?.[0];
      if (value === undefined || key === undefined) continue;
      sent += 1;
      yield [key, value];
    }
  } finally {
    base.return?.();
  }
}
