/** One compliance suite for every storage driver, and the state tree's proofs over them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Hex, hexToBytes, utf8 } from "@tfgrid/primitives";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type StateProof, verifyStateProof } from "../../src/light/index.ts";
import { type Storage, type StateStore, lmdbStorage, memoryStorage, openState } from "../../src/state/index.ts";
import { ALL, commit } from "../support/state.ts";

const key = fc.string({ unit: fc.constantFrom("a", "b", "/", "0", "z"), minLength: 1, maxLength: 4 });
const value = fc.uint8Array({ maxLength: 20 });
const batch = fc.array(fc.tuple(key, fc.option(value, { nil: undefined })), { maxLength: 30 });

const plain = (rows: Iterable<readonly [string, Uint8Array]>): [string, number[]][] => Array.from(rows, ([name, bytes]) => [name, [...bytes]]);
const expected = (model: ReadonlyMap<string, Uint8Array>): [string, number[]][] => plain([...model].sort(([a], [b]) => (a < b ? -1 : 1)));

describe.each(["memory", "lmdb"] as const)("storage %s", (kind) => {
  let folder = "";
  const opened: Storage[] = [];
  let serial = 0;
  const fresh = (path = `${folder}/${(serial += 1)}`): Storage => {
    const storage = kind === "memory" ? memoryStorage() : lmdbStorage(path);
    opened.push(storage);
    return storage;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tfgrid-state-"));
  });
  afterEach(async () => {
    for (const storage of opened.splice(0)) await storage.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("any batches: reads, ranges, draft reads and root equal a plain map's", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 6 }), key, key, fc.integer({ min: 1, max: 5 }), async (batches, gte, lt, limit) => {
        const storage = fresh();
        const state = openState(storage);
        const model = new Map<string, Uint8Array>();
        for (const changes of batches) {
          const draft = state.draft();
          for (const [name, bytes] of changes) {
            if (bytes === undefined) draft.delete(name);
            else draft.set(name, bytes);
            if (bytes === undefined) model.delete(name);
            else model.set(name, bytes);
          }
          expect(plain(draft.range(ALL))).toEqual(expected(model));
          const within = expected(model).filter(([name]) => name >= gte && name < lt);
          expect(plain(draft.range({ gte, lt, limit }))).toEqual(within.slice(0, limit));
          const sealed = draft.seal();
          storage.write(sealed.ops);
          sealed.adopt();
          expect(state.root).toBe(sealed.root);
          expect(plain(state.range(ALL))).toEqual(expected(model));
          expect(plain(state.range({ gte, lt, limit }))).toEqual(within.slice(0, limit));
        }
        // History leaves no trace in the root: the same content built at once has the same one.
        const other = fresh();
        const rebuilt = openState(other);
        commit(other, rebuilt, [...model]);
        expect(rebuilt.root).toBe(state.root);
        for (const storageUsed of opened.splice(0)) await storageUsed.close();
      }),
      { numRuns: kind === "memory" ? 200 : 15 },
    );
  });

  test("a dropped draft changes nothing", () => {
    const storage = fresh();
    const state = openState(storage);
    commit(storage, state, [["a", utf8("1")]]);
    const before = state.root;
    const draft = state.draft();
    draft.set("b", utf8("2"));
    draft.delete("a");
    draft.seal();
    expect(state.root).toBe(before);
    expect(plain(state.range(ALL))).toEqual([["a", [...utf8("1")]]]);
    commit(storage, state, [["c", utf8("3")]]);
    expect(plain(state.range(ALL)).map(([name]) => name)).toEqual(["a", "c"]);
  });

  test("a view stays what it was, whatever is written or cleared meanwhile; two views are of their own moments", () => {
    const storage = fresh();
    const put = (text: string): void => storage.write([{ table: "state", key: "a", value: utf8(text) }]);
    put("1");
    const first = storage.view();
    put("2");
    const second = storage.view();
    storage.write([{ table: "state", key: "b", value: utf8("new") }, { table: "state", key: "a", value: undefined }]);
    storage.clear(["state", "tree"]);
    expect(plain(first.range("state", ALL))).toEqual([["a", [...utf8("1")]]]);
    expect(plain(second.range("state", ALL))).toEqual([["a", [...utf8("2")]]]);
    expect(plain(storage.range("state", ALL))).toEqual([]);
    first.close();
    expect([...(second.get("state", "a") ?? [])]).toEqual([...utf8("2")]);
    second.close();
    put("3");
    expect([...(storage.get("state", "a") ?? [])]).toEqual([...utf8("3")]);
  });

  test("rows collected from a range stay what they were", () => {
    const storage = fresh();
    const state = openState(storage);
    commit(storage, state, Array.from({ length: 500 }, (_, index) => [`k${String(index).padStart(4, "0")}`, utf8(`v${index}`)] as const));
    const rows = [...state.range(ALL)];
    commit(storage, state, rows.map(([name]) => [name, utf8("changed")] as const));
    expect(rows.map(([, bytes]) => Buffer.from(bytes).toString())).toEqual(rows.map((_, index) => `v${index}`));
  });

  test("proof size is logarithmic and state reopens with its root", async () => {
    const path = `${folder}/reopened`;
    const storage = fresh(path);
    const state = openState(storage);
    for (let block = 0; block < 10; block += 1) {
      commit(storage, state, Array.from({ length: 500 }, (_, index) => [`k/${block}/${index}`, utf8(`v${index}`)] as const));
    }
    const root = state.root;
    const { proof, value: bytes } = state.prove("k/3/77");
    expect(proof.siblings.length).toBeLessThan(40);
    expect(verifyStateProof({ root, key: "k/3/77", value: bytes, proof })).toBe(true);
    if (kind === "memory") return;
    await storage.close();
    opened.pop();
    const again = openState(fresh(path));
    expect(again.root).toBe(root);
    const second = again.prove("k/9/499");
    expect(verifyStateProof({ root, key: "k/9/499", value: second.value, proof: second.proof })).toBe(true);
  });
});

test("lmdb: a write that fails at any of its rows keeps none of them", async () => {
  const place = mkdtempSync(join(tmpdir(), "tfgrid-state-"));
  const storage = lmdbStorage(place);
  storage.write([{ table: "state", key: "kept", value: utf8("1") }]);
  const rows = Array.from({ length: 5 }, (_, index) => ({ table: "state" as const, key: `new/${index}`, value: utf8("row") }));
  for (let at = 0; at <= rows.length; at += 1) {
    const bad = { table: "state" as const, key: "x".repeat(5_000), value: utf8("longer than any key") };
    expect(() => storage.write(rows.toSpliced(at, 0, bad))).toThrow();
    expect(plain(storage.range("state", ALL)).map(([name]) => name)).toEqual(["kept"]);
  }
  await storage.close();
  rmSync(place, { recursive: true, force: true });
});

describe("proofs", () => {
  const content = fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, maxLength: 40 });
  const stateOf = (rows: readonly (readonly [string, Uint8Array])[]): StateStore => {
    const storage = memoryStorage();
    const state = openState(storage);
    commit(storage, state, rows);
    return state;
  };

  test("every key is proven present or absent", () => {
    fc.assert(
      fc.property(content, key, (rows, asked) => {
        const state = stateOf(rows);
        const { proof, value: bytes } = state.prove(asked);
        expect(bytes === undefined).toBe(!rows.some(([name]) => name === asked));
        expect(verifyStateProof({ root: state.root, key: asked, value: bytes, proof })).toBe(true);
      }),
    );
  });

  test("no altered claim passes: value, absence, key, root, siblings, leaf", () => {
    const flip = (hex: Hex, at: number): Hex => {
      const bytes = hexToBytes(hex);
      bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ (1 + (at % 255));
      return Buffer.from(bytes).toString("hex") as Hex;
    };
    fc.assert(
      fc.property(content, key, fc.nat(), value, (rows, asked, at, other) => {
        const state = stateOf(rows);
        const { proof, value: bytes } = state.prove(asked);
        const { root } = state;
        const lies: { root?: Hex; value?: Uint8Array | undefined; proof?: StateProof }[] = [
          { root: flip(root, at) },
          { value: bytes === undefined ? other : undefined },
          { proof: { ...proof, siblings: [...proof.siblings, "00".repeat(32) as Hex] } },
        ];
        if (bytes !== undefined && Buffer.compare(bytes, other) !== 0) lies.push({ value: other });
        if (proof.siblings.length > 0) {
          const index = at % proof.siblings.length;
          lies.push({ proof: { ...proof, siblings: proof.siblings.with(index, flip(proof.siblings[index] as Hex, at)) } });
          lies.push({ proof: { ...proof, siblings: proof.siblings.slice(1) } });
        }
        if (proof.leaf !== null) {
          lies.push({ proof: { ...proof, leaf: { ...proof.leaf, valueHash: flip(proof.leaf.valueHash, at) } } });
          lies.push({ proof: { ...proof, leaf: null } });
        }
        for (const lie of lies) {
          expect(verifyStateProof({ root, key: asked, value: bytes, proof, ...lie })).toBe(false);
        }
      }),
    );
  });
});
