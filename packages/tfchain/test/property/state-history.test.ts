/** Proofs of older versions: every retained one answers as it did when it was the newest, whatever came after. */
import { utf8 } from "@tfgrid/primitives";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { verifyStateProof } from "../../src/light/index.ts";
import { type Storage, TABLES, memoryStorage, openState } from "../../src/state/index.ts";
import { checkStorage } from "../support/ledger-check.ts";
import { ALL, commit } from "../support/state.ts";

const key = fc.string({ unit: fc.constantFrom("a", "b", "/", "0", "z"), minLength: 1, maxLength: 3 });
const value = fc.uint8Array({ maxLength: 12 });
const block = fc.array(fc.tuple(key, fc.option(value, { nil: undefined })), { maxLength: 12 });

const rowCount = (storage: Storage): Record<string, number> => Object.fromEntries(TABLES.map((table) => [table, [...storage.range(table, ALL)].length]));

describe("older versions", () => {
  test("every retained version proves every key as it was; older and newer ones are refused by their codes", () => {
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 14 }), fc.integer({ min: 2, max: 6 }), fc.boolean(), (blocks, retainedVersions, reopened) => {
        const storage = memoryStorage();
        let state = openState(storage, { retainedVersions });
        const asked = [...new Set(blocks.flat().map(([name]) => name)), "never"];
        const content = new Map<string, Uint8Array>();
        const versions: { root: string; content: ReadonlyMap<string, Uint8Array> }[] = [];
        for (const changes of blocks) {
          commit(storage, state, changes);
          for (const [name, bytes] of changes) {
            if (bytes === undefined) content.delete(name);
            else content.set(name, bytes);
          }
          versions.push({ root: state.root, content: new Map(content) });
          if (reopened) state = openState(storage, { retainedVersions });
        }
        const last = versions.length - 1;
        expect(state.version).toBe(last);
        expect(state.firstVersion).toBe(Math.max(0, last - retainedVersions + 1));
        for (let version = state.firstVersion; version <= last; version += 1) {
          const known = versions[version] as (typeof versions)[number];
          expect(state.rootAt(version)).toBe(known.root);
          for (const name of asked) {
            const proven = state.proveAt(version, name);
            expect(proven).toMatchObject({ version, root: known.root });
            expect(proven.value === undefined ? undefined : [...proven.value]).toEqual(known.content.has(name) ? [...(known.content.get(name) as Uint8Array)] : undefined);
            expect(verifyStateProof({ root: state.rootAt(version), key: name, value: proven.value, proof: proven.proof })).toBe(true);
          }
        }
        expect(() => state.proveAt(state.firstVersion - 1, "a")).toThrow(expect.objectContaining({ code: "chain.state_pruned" }));
        expect(() => state.proveAt(last + 1, "a")).toThrow(expect.objectContaining({ code: "chain.height_unknown" }));
      }),
      { numRuns: 150 },
    );
  });

  test("what is pruned leaves nothing behind: tables are those of a chain that never had the older versions", () => {
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 12 }), (blocks) => {
        const storage = memoryStorage();
        const state = openState(storage, { retainedVersions: 2 });
        for (const changes of blocks) commit(storage, state, changes);
        const content = [...state.range(ALL)];
        // Blocks without changes: the pages of the last change are the only ones left, and no replaced value.
        commit(storage, state, []);
        commit(storage, state, []);
        commit(storage, state, []);
        const fresh = memoryStorage();
        const rebuilt = openState(fresh, { retainedVersions: 2 });
        commit(fresh, rebuilt, content);
        expect(rebuilt.root).toBe(state.root);
        const { history: _history, tree: _tree, ...rest } = rowCount(storage);
        const { history: _other, tree: _pages, ...expected } = rowCount(fresh);
        expect(rest).toEqual(expected);
        // A page may be in several rows: all that are kept are in use.
        checkStorage(storage);
        expect([...storage.range("history", ALL)].map(([name]) => name.slice(15))).toEqual(["root", "root"]);
      }),
      { numRuns: 150 },
    );
  });

  test("writing what is there already changes no byte of the state or its tree", () => {
    const storage = memoryStorage();
    const state = openState(storage);
    commit(storage, state, [["a", utf8("1")], ["b", utf8("2")]]);
    const draft = state.draft();
    draft.set("a", utf8("1"));
    draft.set("c", utf8("3"));
    draft.delete("c");
    const sealed = draft.seal();
    expect(sealed.root).toBe(state.root);
    expect(sealed.ops.filter(({ table }) => table === "state" || table === "tree")).toEqual([]);
  });

  test("a history row is found whatever its place among many", () => {
    const storage = memoryStorage();
    const state = openState(storage);
    const names = Array.from({ length: 3_000 }, (_, index) => `k/${String(index).padStart(5, "0")}`);
    commit(storage, state, names.map((name) => [name, utf8(`old value of ${name}`)] as const));
    commit(storage, state, names.map((name) => [name, utf8("new")] as const));
    for (const name of names.filter((_, index) => index % 37 === 0)) {
      expect(Buffer.from(state.proveAt(0, name).value as Uint8Array).toString()).toBe(`old value of ${name}`);
    }
  });
});
