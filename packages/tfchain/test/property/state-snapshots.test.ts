/** Snapshots: same state, same bytes; restored only when every byte is right; never half. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Hex, bytesToHex, sha256, silentLogger, utf8 } from "@tfgrid/primitives";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { verifyStateProof } from "../../src/light/index.ts";
import {
  type OfferedSnapshot,
  type Restore,
  type SnapshotInfo,
  type Snapshots,
  type StateStore,
  type Storage,
  beginRestore,
  lmdbStorage,
  memoryStorage,
  openSnapshots,
  openState,
  snapshotFiles,
} from "../../src/state/index.ts";
import { STATE_LIMITS } from "../../src/limits.ts";
import { infoOf } from "../../src/state/snapshot-format.ts";
import { checkStorage } from "../support/ledger-check.ts";
import { ALL, type Changes, commit, dump } from "../support/state.ts";

const CHAIN = "snapshots";
let folder = "";
let serial = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tfgrid-snapshots-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Source {
  readonly storage: Storage;
  readonly state: StateStore;
  readonly snapshots: Snapshots;
}

function source(storage: Storage, options: { readonly chunkBytes?: number; readonly kept?: number; readonly folder?: string } = {}): Source {
  const state = openState(storage);
  const files = snapshotFiles(options.folder ?? join(folder, String((serial += 1))));
  const { chunkBytes = 60, kept } = options;
  const snapshots = openSnapshots({ files, storage, state, chainId: CHAIN, logger: silentLogger, chunkBytes, ...(kept === undefined ? {} : { kept }) });
  return { storage, state, snapshots };
}

const offerOf = ({ manifest, hash, metadata }: SnapshotInfo): OfferedSnapshot => ({
  height: manifest.height,
  format: manifest.format,
  chunks: manifest.chunkHashes.length,
  hash,
  metadata,
});
const trustOf = ({ manifest }: SnapshotInfo) => ({ chainId: CHAIN, height: manifest.height, appHash: manifest.appHash });
const chunksOf = (snapshots: Snapshots, { manifest }: SnapshotInfo): Uint8Array[] =>
  manifest.chunkHashes.map((_, index) => snapshots.chunk({ height: manifest.height, format: manifest.format, index }) as Uint8Array);

async function taken(from: Source): Promise<SnapshotInfo> {
  const info = await from.snapshots.take();
  if (info === undefined) throw new Error("no snapshot was taken");
  return info;
}

async function restoreAll(storage: Storage, info: SnapshotInfo, chunks: readonly Uint8Array[]): Promise<Restore> {
  const restore = beginRestore({ storage, offered: offerOf(info), trusted: trustOf(info) });
  for (const [index, chunk] of chunks.entries()) await restore.apply(index, chunk);
  return restore;
}

const rows = (count: number, text = "value"): Changes => Array.from({ length: count }, (_, index) => [`k/${String(index).padStart(6, "0")}`, utf8(`${text} ${index}`)] as const);
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return "nothing was thrown";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

describe("a snapshot", () => {
  const key = fc.string({ unit: fc.constantFrom("a", "b", "/", "0", "z"), minLength: 1, maxLength: 4 });
  const history = fc.array(fc.array(fc.tuple(key, fc.option(fc.uint8Array({ maxLength: 90 }), { nil: undefined })), { maxLength: 20 }), { minLength: 1, maxLength: 5 });

  test("of one state has the same bytes whatever the way there, and restores to the same state, proofs and next blocks", async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.integer({ min: 20, max: 300 }), async (blocks, chunkBytes) => {
        const first = source(memoryStorage(), { chunkBytes });
        commit(first.storage, first.state, [["always", utf8("here")]]);
        for (const changes of blocks) commit(first.storage, first.state, changes);
        const info = await taken(first);
        const chunks = chunksOf(first.snapshots, info);
        expect(chunks.map((chunk) => bytesToHex(sha256(chunk)))).toEqual(info.manifest.chunkHashes);
        // The same content, made at once in a chain that has the same height.
        const second = source(memoryStorage(), { chunkBytes });
        const draft = second.state.draft();
        for (const [name, bytes] of first.state.range(ALL)) draft.set(name, bytes);
        const sealed = draft.seal(first.state.version);
        second.storage.write(sealed.ops);
        sealed.adopt();
        expect((await taken(second)).hash).toBe(info.hash);

        const restored = memoryStorage();
        const state = openState(restored);
        await (await restoreAll(restored, info, chunks)).finish();
        state.reload();
        expect(state).toMatchObject({ root: first.state.root, version: first.state.version, firstVersion: first.state.version });
        expect([...state.range(ALL)]).toEqual([...first.state.range(ALL)]);
        for (const [name] of [...first.state.range(ALL), ["absent"] as const]) {
          const { value, proof } = state.proveAt(state.version, name);
          expect(verifyStateProof({ root: first.state.root, key: name, value, proof })).toBe(true);
        }
        const more: Changes = [["a", utf8("1")], ["b/0", undefined], ["zz", utf8("2")]];
        commit(first.storage, first.state, more);
        commit(restored, state, more);
        expect(state.root).toBe(first.state.root);
        expect(openState(restored).root).toBe(first.state.root);
      }),
      { numRuns: 40 },
    );
  });

  test.each(["memory", "lmdb"] as const)("is of the height at which it was asked for, while blocks go on (%s)", async (kind) => {
    const storage = kind === "memory" ? memoryStorage() : lmdbStorage(join(folder, "db"));
    const from = source(storage, { chunkBytes: 40_000 });
    commit(storage, from.state, rows(5_000));
    const { root } = from.state;
    const expected = [...from.state.range(ALL)].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]);
    const taking = from.snapshots.take();
    let blocks = 0;
    // The snapshot shows up in the list when it is done, and not before.
    while (from.snapshots.list().length === 0) {
      blocks += 1;
      commit(storage, from.state, [...rows(200, `changed ${blocks}`), [`new/${blocks}`, utf8("row")], [`k/00${blocks % 10}000`, undefined]]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const info = (await taking) as SnapshotInfo;
    expect(blocks).toBeGreaterThan(3);
    expect(info.manifest).toMatchObject({ height: 0, appHash: root, rows: 5_000 });
    const target = memoryStorage();
    await (await restoreAll(target, info, chunksOf(from.snapshots, info))).finish();
    checkStorage(target);
    expect([...openState(target).range(ALL)].map(([name, bytes]) => [name, Buffer.from(bytes).toString()])).toEqual(expected);
    await from.snapshots.close();
    await storage.close();
  });

  test("only the newest stay, a second one at a time is not begun, and they are found again after a restart", async () => {
    const place = join(folder, "kept");
    const from = source(memoryStorage(), { kept: 2, folder: place });
    for (let block = 0; block < 4; block += 1) {
      commit(from.storage, from.state, [[`k${block}`, utf8("v")]]);
      const [first, second] = await Promise.all([from.snapshots.take(), from.snapshots.take()]);
      expect(first?.manifest.height).toBe(block);
      expect(second).toBeUndefined();
      expect(await from.snapshots.take()).toBeUndefined();
    }
    const heights = (snapshots: Snapshots): number[] => snapshots.list().map(({ manifest }) => manifest.height);
    expect(heights(from.snapshots)).toEqual([3, 2]);
    expect(from.snapshots.chunk({ height: 1, format: 1, index: 0 })).toBeUndefined();
    expect(from.snapshots.chunk({ height: 3, format: 2, index: 0 })).toBeUndefined();
    expect(from.snapshots.chunk({ height: 3, format: 1, index: 99 })).toBeUndefined();
    const again = source(from.storage, { folder: place });
    expect(heights(again.snapshots)).toEqual([3, 2]);
    expect(again.snapshots.chunk({ height: 3, format: 1, index: 0 })).toBeInstanceOf(Uint8Array);
    // What a crash left half done is taken away.
    snapshotFiles(place).create("partial-9");
    source(from.storage, { folder: place });
    expect(snapshotFiles(place).list().toSorted()).toEqual(["2-1", "3-1"]);
  });

  test("is not taken, and the log says why, when the disk refuses at any step; the chain goes on and the next one works", async () => {
    const place = join(folder, "failing");
    const real = snapshotFiles(place);
    for (let failAt = 0; failAt < 5; failAt += 1) {
      let step = 0;
      const fail = (): void => {
        step += 1;
        if (step === failAt + 1) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
      };
      const logged: string[] = [];
      const storage = memoryStorage();
      const state = openState(storage);
      commit(storage, state, rows(8));
      const snapshots = openSnapshots({
        storage,
        state,
        chainId: CHAIN,
        chunkBytes: 60,
        logger: { ...silentLogger, error: (message) => void logged.push(message) },
        files: {
          ...real,
          create: (name) => (fail(), real.create(name)),
          write: async (...args) => (fail(), real.write(...args)),
          rename: (...args) => (fail(), real.rename(...args)),
        },
      });
      expect(await snapshots.take()).toBeUndefined();
      expect(logged).toEqual(["no snapshot could be taken"]);
      expect(snapshots.list()).toEqual([]);
      expect(real.list()).toEqual([]);
      commit(storage, state, rows(9));
      expect((await snapshots.take())?.manifest.height).toBe(1);
      real.remove("1-1");
    }
  });
});

describe("a restore refuses", () => {
  const prepare = async () => {
    const from = source(memoryStorage(), { chunkBytes: 60 });
    commit(from.storage, from.state, rows(12));
    const info = await taken(from);
    const chunks = chunksOf(from.snapshots, info);
    expect(chunks.length).toBeGreaterThan(4);
    return { info, chunks };
  };
  /** As a liar who makes a description to fit its own chunks. */
  const described = (info: SnapshotInfo, chunks: readonly Uint8Array[], count = info.manifest.rows): SnapshotInfo =>
    infoOf({ ...info.manifest, rows: count, chunkHashes: chunks.map((chunk) => bytesToHex(sha256(chunk))) });
  const row = (key: string, value: string): Buffer => {
    const head = Buffer.alloc(6);
    head.writeUInt16BE(key.length, 0);
    head.writeUInt32BE(value.length, 2);
    return Buffer.concat([head, Buffer.from(key), Buffer.from(value)]);
  };

  test("descriptions that are not valid, not what was offered, or not what is trusted", async () => {
    const { info } = await prepare();
    const offered = offerOf(info);
    const trusted = trustOf(info);
    const begin = (overrides: Partial<OfferedSnapshot>, trust: Partial<typeof trusted> = {}): string =>
      codeOf(() => beginRestore({ storage: memoryStorage(), offered: { ...offered, ...overrides }, trusted: { ...trusted, ...trust } }));
    expect(begin({})).toBe("nothing was thrown");
    expect(begin({ format: 2 })).toBe("snapshot.format_unknown");
    expect(begin({ metadata: utf8("garbage") })).toBe("snapshot.bad_manifest");
    expect(begin({ metadata: new Uint8Array() })).toBe("snapshot.bad_manifest");
    expect(begin({ metadata: new Uint8Array(2 ** 20) })).toBe("snapshot.bad_manifest");
    expect(begin({ hash: "11".repeat(32) as Hex })).toBe("snapshot.bad_manifest");
    expect(begin({ chunks: offered.chunks + 1 })).toBe("snapshot.bad_manifest");
    expect(begin({ height: 7 })).toBe("snapshot.bad_manifest");
    expect(begin({}, { height: 7 })).toBe("snapshot.not_wanted");
    expect(begin({}, { appHash: "22".repeat(32) as Hex })).toBe("snapshot.not_wanted");
    expect(begin({}, { chainId: "other" })).toBe("snapshot.not_wanted");
    const other = infoOf({ ...info.manifest, format: 2 });
    expect(begin({ ...offerOf(other), format: 1 })).toBe("snapshot.bad_manifest");
  });

  test("a folder that holds a chain", async () => {
    const { info } = await prepare();
    const storage = memoryStorage();
    commit(storage, openState(storage), rows(1));
    const before = dump(storage);
    expect(codeOf(() => beginRestore({ storage, offered: offerOf(info), trusted: trustOf(info) }))).toBe("snapshot.not_empty");
    expect(dump(storage)).toEqual(before);
  });

  test("chunks with a wrong hash, out of order, twice, truncated, too large; the right one is taken afterwards", async () => {
    const { info, chunks } = await prepare();
    const [first, second] = chunks as [Uint8Array, Uint8Array];
    const storage = memoryStorage();
    const restore = beginRestore({ storage, offered: offerOf(info), trusted: trustOf(info) });
    const altered = Uint8Array.from(first);
    altered[9] = (altered[9] as number) ^ 1;
    const refused: [number, Uint8Array, string][] = [
      [0, altered, "snapshot.chunk_mismatch"],
      [0, second, "snapshot.chunk_mismatch"],
      [0, first.subarray(0, -1), "snapshot.chunk_mismatch"],
      [0, new Uint8Array(), "snapshot.chunk_mismatch"],
      [0, new Uint8Array(STATE_LIMITS.snapshotChunkBytes + 1), "snapshot.chunk_mismatch"],
      [1, second, "snapshot.chunk_out_of_order"],
      [-1, first, "snapshot.chunk_out_of_order"],
    ];
    for (const [index, chunk, code] of refused) await expect(restore.apply(index, chunk)).rejects.toMatchObject({ code });
    await expect(restore.finish()).rejects.toMatchObject({ code: "snapshot.incomplete" });
    await restore.apply(0, first);
    await expect(restore.apply(0, first)).rejects.toMatchObject({ code: "snapshot.chunk_out_of_order" });
    for (const [index, chunk] of chunks.slice(1).entries()) await restore.apply(index + 1, chunk);
    await expect(restore.apply(chunks.length, first)).rejects.toMatchObject({ code: "snapshot.chunk_out_of_order" });
    await restore.finish();
    expect(openState(storage).root).toBe(info.manifest.appHash);
  });

  test("rows that do not ascend, keys and values that no state has, in chunks that fit their description", async () => {
    const { info } = await prepare();
    const bad: Uint8Array[] = [
      Buffer.concat([row("b", "1"), row("a", "2")]),
      Buffer.concat([row("a", "1"), row("a", "2")]),
      row("", "1"),
      row("k\n", "1"),
      row("\x7f", "1"),
      row("k".repeat(1_025), "1"),
      row("a", "1").subarray(0, 3),
      Buffer.concat([row("a", "1"), Buffer.from([0])]),
      Buffer.concat([row("a", "1"), row("b", "2"), row("c", "3")]),
      new Uint8Array(),
    ];
    for (const chunk of bad) {
      const lie = described(info, [chunk], 2);
      const storage = memoryStorage();
      const restore = beginRestore({ storage, offered: offerOf(lie), trusted: trustOf(info) });
      await expect(restore.apply(0, chunk)).rejects.toMatchObject({ code: "snapshot.chunk_invalid" });
      expect(dump(storage).state).toEqual([]);
    }
  });

  test("states that are not the trusted one: a row more, less, altered or renamed leaves nothing behind", async () => {
    const { info, chunks } = await prepare();
    const all = Buffer.concat(chunks);
    const lies: [Uint8Array, number][] = [
      [Buffer.concat([all, row("z", "extra")]), 13],
      [all.subarray(0, all.lastIndexOf(row("k/000011", "value 11"))), 11],
      [Buffer.concat([all.subarray(0, -1), Buffer.from("x")]), 12],
      [Buffer.from(all.toString("latin1").replace("k/000011", "k/000019"), "latin1"), 12],
      [all, 11 + 2],
    ];
    for (const [chunk, count] of lies) {
      const lie = described(info, [chunk], count);
      const storage = memoryStorage();
      openState(storage);
      const empty = dump(storage);
      const restore = beginRestore({ storage, offered: offerOf(lie), trusted: trustOf(info) });
      await restore.apply(0, chunk);
      await expect(restore.finish()).rejects.toMatchObject({ code: "snapshot.wrong_root" });
      expect(dump(storage)).toEqual(empty);
      expect(openState(storage).version).toBe(-1);
    }
  });

  test("any flipped byte of any chunk", async () => {
    const { info, chunks } = await prepare();
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const index = at % chunks.length;
        const chunk = Uint8Array.from(chunks[index] as Uint8Array);
        chunk[at % chunk.length] = (chunk[at % chunk.length] as number) ^ mask;
        const restore = beginRestore({ storage: memoryStorage(), offered: offerOf(info), trusted: trustOf(info) });
        for (let before = 0; before < index; before += 1) await restore.apply(before, chunks[before] as Uint8Array);
        await expect(restore.apply(index, chunk)).rejects.toMatchObject({ code: "snapshot.chunk_mismatch" });
      }),
    );
  });
});

describe("a restore that is interrupted", () => {
  test("shows nothing while it runs, leaves nothing at the next opening, and can begin again", async () => {
    const from = source(memoryStorage(), { chunkBytes: 60 });
    commit(from.storage, from.state, rows(12));
    const info = await taken(from);
    const chunks = chunksOf(from.snapshots, info);
    for (const kind of ["memory", "lmdb"] as const) {
      for (let applied = 0; applied <= chunks.length; applied += 1) {
        const storage = kind === "memory" ? memoryStorage() : lmdbStorage(join(folder, `interrupted-${applied}`));
        const watching = openState(storage);
        const empty = dump(storage);
        await restoreAll(storage, info, chunks.slice(0, applied));
        expect(watching.get("k/000000")).toBeUndefined();
        expect([...watching.range(ALL)]).toEqual([]);
        const state = openState(storage);
        expect(state.version).toBe(-1);
        expect(dump(storage)).toEqual(empty);
        await (await restoreAll(storage, info, chunks)).finish({ ops: [{ table: "meta", key: "engine", value: utf8("its own") }] });
        watching.reload();
        expect(watching.root).toBe(info.manifest.appHash);
        expect(watching.get("k/000000")).toEqual(expect.objectContaining({ length: 7 }));
        expect(Buffer.from(storage.get("meta", "engine") as Uint8Array).toString()).toBe("its own");
        await storage.close();
      }
    }
  });

  async function prepared(): Promise<{ readonly info: SnapshotInfo; readonly chunks: readonly Uint8Array[] }> {
    const from = source(memoryStorage(), { chunkBytes: 1_000 });
    commit(from.storage, from.state, rows(2_000));
    const info = await taken(from);
    return { info, chunks: chunksOf(from.snapshots, info) };
  }

  test("ends by a signal or when it is given up, with nothing readable, and leaves nothing behind", async () => {
    const { info, chunks } = await prepared();
    for (const kind of ["signal", "abandon"] as const) {
      const storage = memoryStorage();
      const state = openState(storage);
      const empty = dump(storage);
      const stop = new AbortController();
      const restore = await restoreAll(storage, info, chunks);
      const finished = restore.finish({ signal: stop.signal });
      if (kind === "signal") stop.abort(new Error("enough"));
      else restore.abandon();
      await expect(finished).rejects.toMatchObject(kind === "signal" ? { message: "enough" } : { code: "snapshot.abandoned" });
      state.reload();
      expect(state.version).toBe(-1);
      if (kind === "signal") restore.abandon();
      expect(dump(storage)).toEqual(empty);
      await (await restoreAll(storage, info, chunks)).finish();
      expect(openState(storage).root).toBe(info.manifest.appHash);
    }
  });

  test("lets others run whenever a piece has taken its time, and tells how far it is", async () => {
    const { info, chunks } = await prepared();
    const restore = await restoreAll(memoryStorage(), info, chunks);
    let nowMs = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => (nowMs += STATE_LIMITS.sliceMs));
    let turns = 0;
    let running = true;
    const others = (): void => {
      turns += 1;
      if (running) setImmediate(others);
    };
    setImmediate(others);
    const progress: number[] = [];
    try {
      await restore.finish({ onProgress: (count) => progress.push(count) });
    } finally {
      running = false;
      clock.mockRestore();
    }
    // 2,000 leaves are in nearly as many of the 65,536 subtrees; each is a piece of its own for this clock.
    expect(turns).toBeGreaterThan(1_500);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(progress.at(-1)).toBe(info.manifest.rows);
  });
});
