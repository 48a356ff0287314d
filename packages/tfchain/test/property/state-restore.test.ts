/** A chunk of a snapshot is applied in pieces: whatever happens between two of them, what comes of it is the trusted state or nothing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger, utf8 } from "@tfgrid/primitives";
import { afterEach, beforeEach, expect, test } from "vitest";
import { STATE_LIMITS } from "../../src/limits.ts";
import { ChunkPacker } from "../../src/state/snapshot-format.ts";
import { type Restore, type Storage, type WriteOp, beginRestore, memoryStorage, openSnapshots, openState, snapshotFiles } from "../../src/state/index.ts";
import { commit, dump } from "../support/state.ts";

const CHAIN = "restore";
/** More than two pieces of a chunk. */
const ROWS = 2 * STATE_LIMITS.restoreRowsPerWrite + 100;
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tfgrid-restore-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Offer {
  readonly chunk: Uint8Array;
  readonly root: string;
  readonly begin: (storage: Storage) => Restore;
}

/** A state in one chunk. */
async function offered(rowBytes = 10): Promise<Offer> {
  const storage = memoryStorage();
  const state = openState(storage);
  commit(storage, state, Array.from({ length: ROWS }, (_, index) => [`k/${String(index).padStart(6, "0")}`, utf8(`value ${index}`.padEnd(rowBytes))] as const));
  const snapshots = openSnapshots({ files: snapshotFiles(folder), storage, state, chainId: CHAIN, logger: silentLogger });
  const info = await snapshots.take();
  if (info === undefined || info.manifest.chunkHashes.length !== 1) throw new Error("not one chunk");
  const { height, format, appHash } = info.manifest;
  const offer = { height, format, chunks: 1, hash: info.hash, metadata: info.metadata };
  const begin = (target: Storage): Restore => beginRestore({ storage: target, offered: offer, trusted: { chainId: CHAIN, height, appHash } });
  return { begin, root: appHash, chunk: snapshots.chunk({ height, format, index: 0 }) as Uint8Array };
}

/** Sees every write before it is made. */
function watched(storage: Storage, see: (ops: readonly WriteOp[]) => void): Storage {
  return {
    ...storage,
    write: (ops) => {
      see(ops);
      storage.write(ops);
    },
  };
}

test("no write is longer than a piece, by rows or by bytes", async () => {
  for (const rowBytes of [10, 1_000]) {
    const { begin, chunk } = await offered(rowBytes);
    const sizes: [rows: number, bytes: number][] = [];
    const storage = watched(memoryStorage(), (ops) => void sizes.push([ops.length, ops.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)]));
    await begin(storage).apply(0, chunk);
    expect(Math.max(...sizes.map(([rows]) => rows))).toBeLessThanOrEqual(STATE_LIMITS.restoreRowsPerWrite);
    expect(Math.max(...sizes.map(([, bytes]) => bytes))).toBeLessThan(STATE_LIMITS.restoreBytesPerWrite + rowBytes);
    expect(sizes.length).toBeGreaterThan(3);
    rmSync(folder, { recursive: true });
  }
});

test("a disk that refuses any of the writes: the chunk is given again, and the state is the trusted one", async () => {
  const { begin, chunk, root } = await offered();
  let tried = 0;
  for (let failing = 1; ; failing += 1) {
    let write = 0;
    let refused = false;
    const storage = memoryStorage();
    const restore = begin(
      watched(storage, ([op]) => {
        if (op?.table === "meta") return;
        write += 1;
        if (refused || write !== failing) return;
        refused = true;
        throw new Error("no");
      }),
    );
    const outcome = await restore.apply(0, chunk).catch((error: unknown) => error);
    if (!refused) break;
    expect(outcome).toMatchObject({ message: "no" });
    tried += 1;
    expect(restore.next).toBe(0);
    await restore.apply(0, chunk);
    await restore.finish();
    expect(openState(storage).root).toBe(root);
  }
  expect(tried).toBeGreaterThan(2);
});

test("one chunk at a time: a second one is refused, and the first goes on", async () => {
  const { begin, chunk, root } = await offered();
  const storage = memoryStorage();
  const restore = begin(storage);
  const first = restore.apply(0, chunk);
  await expect(restore.apply(0, chunk)).rejects.toMatchObject({ code: "snapshot.chunk_out_of_order" });
  await expect(restore.finish()).rejects.toMatchObject({ code: "snapshot.incomplete" });
  await first;
  await restore.finish();
  expect(openState(storage).root).toBe(root);
});

test("given up or ended by a signal within a chunk: nothing more is written, and nothing is left", async () => {
  const { begin, chunk, root } = await offered();
  for (const kind of ["signal", "abandon"] as const) {
    const plain = memoryStorage();
    openState(plain);
    const empty = dump(plain);
    const stop = new AbortController();
    let writes = 0;
    let end: (() => void) | undefined;
    const storage = watched(plain, (ops) => {
      if (!ops.some(({ table }) => table === "state")) return;
      writes += 1;
      end?.();
    });
    const restore = begin(storage);
    // While the first piece is written: what follows it must not be.
    end = () => queueMicrotask(() => (kind === "signal" ? stop.abort(new Error("enough")) : restore.abandon()));
    await expect(restore.apply(0, chunk, stop.signal)).rejects.toMatchObject(kind === "signal" ? { message: "enough" } : { code: "snapshot.abandoned" });
    expect(writes).toBeLessThan(3);
    if (kind === "signal") restore.abandon();
    expect(dump(plain)).toEqual(empty);
    end = undefined;
    const again = begin(storage);
    await again.apply(0, chunk);
    await again.finish();
    expect(openState(plain).root).toBe(root);
  }
});

test("a chunk that was given out holds until the next one is, and a row larger than a chunk is one by itself", () => {
  const packer = new ChunkPacker(60);
  expect(packer.add(["a", utf8("1".repeat(50))])).toBeUndefined();
  const first = packer.add(["b", utf8("2".repeat(20))]) as Uint8Array;
  expect(packer.add(["c", utf8("3".repeat(20))])).toBeUndefined();
  expect(Buffer.from(first).toString("latin1", 6)).toBe(`a${"1".repeat(50)}`);
  const second = packer.add(["d", utf8("4".repeat(100))]) as Uint8Array;
  expect(Buffer.from(second).toString("latin1", 6)).toContain("3".repeat(20));
  expect(Buffer.from(packer.end() as Uint8Array).toString("latin1", 6)).toBe(`d${"4".repeat(100)}`);
  expect(packer.end()).toBeUndefined();
});
