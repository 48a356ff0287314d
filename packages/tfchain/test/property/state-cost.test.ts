/** What a block costs is counted, not timed: storage reads and writes by its own changes, whatever the state holds. */
import { utf8 } from "@tfgrid/primitives";
import { describe, expect, test } from "vitest";
import { type StateStore, type Storage, memoryStorage, openState } from "../../src/state/index.ts";
import { commit } from "../support/state.ts";

/** `bench/state.ts` goes on to a million contracts. */
const SIZES = [1_000, 10_000, 100_000] as const;
const CHANGES = 100;
/** A page with all its 16 leaves. */
const PAGE_BYTES = 16 * 65 + 14 + 80;
const nameOf = (index: number): string => `k/${index.toString().padStart(8, "0")}`;

interface Counts {
  reads: number;
  writes: number;
  writtenBytes: number;
}

function counting(storage: Storage): { readonly storage: Storage; readonly counts: Counts } {
  const counts: Counts = { reads: 0, writes: 0, writtenBytes: 0 };
  const counted: Storage = {
    ...storage,
    get: (...args) => {
      counts.reads += 1;
      return storage.get(...args);
    },
    *range(...args) {
      for (const row of storage.range(...args)) {
        counts.reads += 1;
        yield row;
      }
    },
    write: (ops) => {
      counts.writes += ops.length;
      counts.writtenBytes += ops.reduce((total, { key, value }) => total + key.length + (value?.length ?? 0), 0);
      storage.write(ops);
    },
  };
  return { storage: counted, counts };
}

/** Filled in pieces, so that no draft is larger than a real one could be. */
function filled(keys: number): Storage {
  const storage = memoryStorage();
  const state = openState(storage, { retainedVersions: 2 });
  const value = utf8("value");
  for (let from = 0; from < keys; from += 100_000) {
    commit(storage, state, Array.from({ length: Math.min(100_000, keys - from) }, (_, index) => [nameOf(from + index), value] as const));
  }
  return storage;
}

/** The same number of changes all over the keys: new values, a new key and a deletion, as a block has them. */
function block(storage: Storage, state: StateStore, options: { readonly keys: number; readonly serial: number }): void {
  const { keys, serial } = options;
  const step = Math.floor(keys / CHANGES);
  const changed = Array.from({ length: CHANGES - 2 }, (_, index) => [nameOf(index * step), utf8(`changed ${serial}`)] as const);
  commit(storage, state, [...changed, [`new/${serial}`, utf8("row")], [nameOf(keys - 1 - serial), undefined]]);
}

function costs(keys: number): { readonly cold: Counts; readonly warm: Counts; readonly pruning: Counts; readonly siblings: number } {
  const inner = filled(keys);
  const { storage, counts } = counting(inner);
  const state = openState(storage);
  const measured = (serial: number): Counts => {
    Object.assign(counts, { reads: 0, writes: 0, writtenBytes: 0 });
    block(storage, state, { keys, serial });
    return { ...counts };
  };
  const cold = measured(0);
  const warm = measured(1);
  for (let serial = 2; serial < 140; serial += 1) measured(serial);
  const { proof } = state.proveAt(state.firstVersion, nameOf(1));
  return { cold, warm, pruning: measured(140), siblings: proof.siblings.length };
}

describe("a proof", () => {
  test("has about log2 of the number of keys siblings, for present and absent keys, at any size", () => {
    const storage = memoryStorage();
    const state = openState(storage, { retainedVersions: 2 });
    let keys = 0;
    for (const size of [1, 2, 3, 10, 100, 1_000, 10_000, 30_000]) {
      commit(storage, state, Array.from({ length: size - keys }, (_, index) => [nameOf(keys + index), utf8("value")] as const));
      keys = size;
      const asked = Array.from({ length: 300 }, (_, index) => (index % 2 === 0 ? nameOf((index * 31) % size) : `absent/${index}`));
      const lengths = asked.map((name) => state.prove(name).proof.siblings.length);
      // Hashes are spread evenly: a path ends about where the key is alone, the longest of all at twice that.
      expect(Math.max(...lengths)).toBeLessThanOrEqual(2 * Math.log2(size) + 6);
      expect(lengths.reduce((total, length) => total + length, 0) / lengths.length).toBeLessThanOrEqual(Math.log2(size) + 2);
    }
  });
});

describe("a block of 100 changes", () => {
  test("costs by its changes times the depth of the tree: ten times the keys are at most one page more for each change", () => {
    const [first, ...larger] = SIZES.map(costs);
    let smaller = first as ReturnType<typeof costs>;
    for (const bigger of larger) {
      for (const part of ["cold", "warm", "pruning"] as const) {
        // log2(10) is 3.3 levels, a page has four; a page less is read or written for each that is given up later.
        expect(bigger[part].reads - smaller[part].reads, `${part} reads`).toBeLessThanOrEqual(CHANGES);
        expect(bigger[part].writes - smaller[part].writes, `${part} writes`).toBeLessThanOrEqual(2 * CHANGES);
        expect(bigger[part].writtenBytes - smaller[part].writtenBytes, `${part} bytes`).toBeLessThanOrEqual(CHANGES * PAGE_BYTES);
      }
      // 3.3 levels, and the luck of the key that was asked for.
      expect(bigger.siblings - smaller.siblings).toBeLessThan(12);
      smaller = bigger;
    }
    // What is in memory is not read again: only the replaced values are, and the record of what was given up.
    expect(smaller.warm.reads).toBeLessThan(2 * CHANGES);
    expect(smaller.cold.reads).toBeLessThan(7 * CHANGES);
    expect(smaller.warm.writes).toBeLessThan(7 * CHANGES);
  });
});
