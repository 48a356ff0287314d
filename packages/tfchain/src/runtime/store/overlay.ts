/** Writes kept aside until they are wanted: what makes a batch of calls all or nothing. */
import type { StateReader, StateWriter } from "../api.ts";

export interface Overlay extends StateWriter {
  /** Hands every write to the state below, in key order. */
  commit(): void;
}

type Entry = readonly [key: string, value: Uint8Array];

export function overlay(below: StateWriter): Overlay {
  const writes = new Map<string, Uint8Array | undefined>();
  return {
    get: (key) => (writes.has(key) ? writes.get(key) : below.get(key)),
    set: (key, value) => void writes.set(key, value),
    delete: (key) => void writes.set(key, undefined),
    range: (options) => merged(below, writes, options),
    commit: () => {
      for (const key of [...writes.keys()].sort()) {
        const value = writes.get(key);
        if (value === undefined) below.delete(key);
        else below.set(key, value);
      }
      writes.clear();
    },
  };
}

function* merged(
  below: StateReader,
  writes: ReadonlyMap<string, Uint8Array | undefined>,
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
      const value = takeMine ? writes.get(mine) : theirs?.[1];
      const key = takeMine ? mine : theirs?.[0];
      if (value === undefined || key === undefined) continue;
      sent += 1;
      yield [key, value];
    }
  } finally {
    base.return?.();
  }
}
