/** Pages of what indexes name. */
import type { Slice } from "../api.ts";

export function* rows<T>(ids: Iterable<number>, get: (id: number) => T | undefined): Iterable<T> {
  for (const id of ids) {
    const row = get(id);
    if (row === undefined) throw new Error(`an index names ${id}, which does not exist`);
    yield row;
  }
}

/** The first rows that match among the first `lookAt`. */
export function takeSlice<T extends { readonly id: number }>(all: Iterable<T>, options: { readonly matches: (row: T) => boolean; readonly limit: number; readonly lookAt: number }): Slice<T> {
  const { matches, limit, lookAt } = options;
  const out: T[] = [];
  if (limit === 0) return { rows: out };
  let looked = 0;
  for (const row of all) {
    if (matches(row)) out.push(row);
    looked += 1;
    if (out.length >= limit) break;
    if (looked >= lookAt) return { rows: out, next: { after: row.id, limit: limit - out.length } };
  }
  return { rows: out };
}

export function* mergeAscending(left: Iterable<number>, right: Iterable<number>): Iterable<number> {
  const [a, b] = [left[Symbol.iterator](), right[Symbol.iterator]()];
  let [x, y] = [a.next(), b.next()];
  while (x.done !== true || y.done !== true) {
    if (y.done === true || (x.done !== true && x.value < y.value)) {
      yield x.value as number;
      x = a.next();
    } else {
      yield y.value;
      y = b.next();
    }
  }
}
