/** How rows are kept: what repeats is compressed, a page is stored as what changed of it, and what is damaged is refused. */
import { utf8 } from "@tfgrid/primitives";
import { describe, expect, test } from "vitest";
import { STATE_LIMITS } from "../../src/limits.ts";
import { memoryStorage, openState, pack, unpack } from "../../src/state/index.ts";
import { readPage } from "../../src/state/pages.ts";
import { checkStorage } from "../support/ledger-check.ts";
import { ALL, type Changes, commit } from "../support/state.ts";

describe("a packed row", () => {
  test.each([0, 1, STATE_LIMITS.packedRowBytes - 1, STATE_LIMITS.packedRowBytes, 100_000])("of %i bytes comes back as it was", (length) => {
    const repeated = utf8("the same again ".repeat(Math.ceil(length / 15))).subarray(0, length);
    const random = crypto.getRandomValues(new Uint8Array(Math.min(length, 60_000)));
    for (const bytes of [repeated, random]) {
      const row = pack(bytes);
      expect(row.length).toBeLessThanOrEqual(bytes.length + 1);
      expect(Buffer.compare(unpack(row), bytes)).toBe(0);
    }
  });

  test("is far smaller where things repeat, and refused when it is damaged", () => {
    const row = pack(utf8("the same again ".repeat(1_000)));
    expect(row.length).toBeLessThan(200);
    expect(() => unpack(row.subarray(0, -1))).toThrow();
    expect(() => unpack(new Uint8Array([7, 1, 2]))).toThrow("damaged");
    expect(() => unpack(new Uint8Array())).toThrow("damaged");
  });
});

describe("a page of the tree", () => {
  const keys: Changes = Array.from({ length: 3_000 }, (_, index) => [`k/${index}`, utf8("value")] as const);
  const treeBytes = (storage: ReturnType<typeof memoryStorage>): number =>
    Array.from(storage.range("tree", ALL), ([, row]) => row.length).reduce((total, length) => total + length, 0);

  test("of which one place changed is stored as that place, until the whole is due again", () => {
    const storage = memoryStorage();
    const state = openState(storage);
    commit(storage, state, keys);
    const perBlock: number[] = [];
    for (let block = 0; block < 40; block += 1) {
      const before = treeBytes(storage);
      commit(storage, state, [["k/7", utf8(`value ${block}`)]]);
      perBlock.push(treeBytes(storage) - before);
    }
    // Root, two pages below and the leaf's: whole pages of 16 places take 1,800 bytes and more.
    expect(Math.min(...perBlock)).toBeLessThan(300);
    expect(perBlock.reduce((total, bytes) => total + bytes, 0) / perBlock.length).toBeLessThan(900);
    expect(Math.max(...perBlock)).toBeGreaterThan(1_500);
    checkStorage(storage);
    // Opened anew, the next block is written as if nothing had happened.
    const other = memoryStorage();
    for (const table of ["state", "tree", "history", "meta"] as const) {
      other.write(Array.from(storage.range(table, ALL), ([key, value]) => ({ table, key, value })));
    }
    commit(storage, state, [["k/7", utf8("last")]]);
    commit(other, openState(other), [["k/7", utf8("last")]]);
    expect([...other.range("tree", ALL)]).toEqual([...storage.range("tree", ALL)]);
  });

  test("that is damaged is refused, whatever is wrong with it", () => {
    const leaf = (at: number): number[] => [(1 << 6) | at, ...Array.from({ length: 64 }, () => 1)];
    const rows: [string, number[]][] = [
      ["kind", [9]],
      ["too short", []],
      ["too short", [1, 0, 0]],
      ["too short", [0, ...leaf(0).slice(0, 40)]],
      ["tag", [0, 3 << 6]],
      ["missing", [0, ...leaf(0)]],
      ["follows", [1, 0, 0, 0, 0, 0, 9]],
    ];
    for (const [what, row] of rows) expect(() => readPage(9, () => Uint8Array.from(row))).toThrow(what);
    expect(readPage(9, () => Uint8Array.from([0, ...leaf(0), ...leaf(8)])).children).toMatchObject([{ kind: "leaf" }, { kind: "leaf" }]);
  });
});
