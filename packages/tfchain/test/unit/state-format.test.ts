/** A folder that this release did not write is refused by a code, before anything in it is believed. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utf8 } from "@tfgrid/primitives";
import { open } from "lmdb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Storage, lmdbStorage, memoryStorage, openState } from "../../src/state/index.ts";
import { startChain, runtime, testing } from "../../src/index.ts";
import { commit } from "../support/state.ts";

const unknown = expect.objectContaining({ code: "chain.format_unknown" });
let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tfgrid-format-"));
  file = join(folder, "chain.mdb");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const format = (storage: Storage, text: string): Storage => {
  storage.write([{ table: "meta", key: "format", value: utf8(text) }]);
  return storage;
};

describe("the format of tables and rows", () => {
  test("is written once and read again", () => {
    const storage = memoryStorage();
    commit(storage, openState(storage), [["a", utf8("1")]]);
    const kept = storage.get("meta", "format");
    expect(kept).toEqual(new Uint8Array(utf8("5")));
    openState(storage);
    expect(storage.get("meta", "format")).toEqual(kept);
  });

  test.each(["1", "2", "3", "4", "6", "", "3 ", "99999999999999999999"])("%j is refused", (text) => {
    expect(() => openState(format(memoryStorage(), text))).toThrow(unknown);
  });

  test("a folder of a release without formats is refused", () => {
    const storage = memoryStorage();
    storage.write([{ table: "meta", key: "head-height", value: utf8("7") }]);
    expect(() => openState(storage)).toThrow(expect.objectContaining({ code: "chain.format_unknown", details: { found: "none", known: 5 } }));
  });

  test("a chain does not start on it, says which, and leaves it as it is", async () => {
    const storage = format(lmdbStorage(folder), "2");
    await storage.close();
    const before = readFileSync(file);
    const authority = testing.testKey("authority");
    const genesis = runtime.defaultGenesis({ chainId: "c", foundation: authority.account, validatorsPool: authority.account, accounts: [] });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(startChain({ dataDir: folder, genesis, authority })).rejects.toMatchObject({ code: "chain.format_unknown", details: { found: "2", known: 5 } });
    }
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});

describe("the file", () => {
  test.each([
    ["bytes of something else", Buffer.alloc(100_000, 7)],
    ["a few bytes", Buffer.from("short")],
    ["text", Buffer.from("not a ledger\n".repeat(1_000))],
    ["zeros", Buffer.alloc(20_000)],
  ])("of %s is refused", (_name, bytes) => {
    writeFileSync(file, bytes);
    expect(() => lmdbStorage(folder)).toThrow(unknown);
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  test("that is a folder is refused", () => {
    mkdirSync(file);
    expect(() => lmdbStorage(folder)).toThrow(unknown);
  });

  test("that is empty is begun: a crash may have left it so", async () => {
    writeFileSync(file, "");
    const storage = lmdbStorage(folder);
    commit(storage, openState(storage), [["a", utf8("1")]]);
    expect(Buffer.from(openState(storage).get("a") as Uint8Array).toString()).toBe("1");
    await storage.close();
  });

  test.each([
    ["magic number", 24],
    ["data version", 28],
    ["page size", 48],
    ["magic number of the second head", 4_096 + 24],
    ["data version of the second head", 4_096 + 28],
  ])("with another %s is refused", async (_name, at) => {
    await lmdbStorage(folder).close();
    const bytes = readFileSync(file);
    bytes.writeUInt32LE(bytes.readUInt32LE(at) + 5, at);
    writeFileSync(file, bytes);
    expect(() => lmdbStorage(folder)).toThrow(unknown);
  });

  test("cut off within its heads is refused", async () => {
    await lmdbStorage(folder).close();
    truncateSync(file, 5_000);
    expect(() => lmdbStorage(folder)).toThrow(unknown);
  });

  test("of another program is refused, and gets no tables", async () => {
    const other = open({ path: file });
    const table = other.openDB({ name: "users" });
    await table.put("a", 1);
    await other.close();
    for (let attempt = 0; attempt < 2; attempt += 1) expect(() => lmdbStorage(folder)).toThrow(unknown);
  });

  test("in a place that may not be written is a coded error", () => {
    writeFileSync(join(folder, "in-the-way"), "");
    expect(() => lmdbStorage(join(folder, "in-the-way"))).toThrow(expect.objectContaining({ code: "chain.storage_failed" }));
  });
});
