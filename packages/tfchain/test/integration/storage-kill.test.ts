/** `kill -9` at random moments of a ledger on LMDB that makes blocks and snapshots all the time. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { silentLogger } from "@tfgrid/primitives";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BlockStore } from "../../src/engines/block-store.ts";
import { type Storage, beginRestore, lmdbStorage, memoryStorage, openSnapshots, openState, snapshotFiles } from "../../src/state/index.ts";
import { KILLED } from "../support/killed-genesis.ts";
import { checkReplay, checkStorage } from "../support/ledger-check.ts";

const SCRIPT = fileURLToPath(new URL("../support/killed-chain.ts", import.meta.url));
const ROUNDS = 4;
let folder = "";
let child: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tfgrid-kill-"));
});
afterEach(() => {
  child?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Lets the ledger work until a snapshot was taken and so many transactions acknowledged, and some time passed; then kills it. */
async function workThenDie(wanted: number, extraMs: number): Promise<{ readonly hashes: string[]; readonly snapshots: string[] }> {
  const process_ = spawn(process.execPath, [SCRIPT, folder], { stdio: ["ignore", "pipe", "inherit"] });
  child = process_;
  let text = "";
  const enough = Promise.withResolvers<void>();
  process_.stdout.on("data", (data: Buffer) => {
    text += data.toString();
    if (text.length > wanted * 65 && text.includes("snapshot ")) enough.resolve();
  });
  const ended = new Promise<string | null>((resolve) => process_.once("exit", (_code, signal) => resolve(signal)));
  await Promise.race([enough.promise, ended]);
  // Anywhere within a block: this is what is tried out, not a wait for something.
  await new Promise((resolve) => setTimeout(resolve, extraMs));
  process_.kill("SIGKILL");
  expect(await ended).toBe("SIGKILL");
  const lines = text.split("\n").slice(0, -1);
  return { hashes: lines.filter((line) => !line.startsWith("snapshot ")), snapshots: lines.filter((line) => line.startsWith("snapshot ")) };
}

/** Every snapshot that shows up is whole, and of the state that the header of its height names. */
async function checkSnapshots(storage: Storage, newest: string): Promise<void> {
  const state = openState(storage);
  const blocks = new BlockStore(storage, 1_000_000);
  const { chainId } = KILLED;
  const snapshots = openSnapshots({ files: snapshotFiles(join(folder, "snapshots")), storage, state, chainId, logger: silentLogger });
  for (const { manifest, metadata, hash } of snapshots.list()) {
    const { height, format, chunkHashes } = manifest;
    const header = blocks.header(height);
    if (header.type !== "solo") throw new Error("not a solo chain");
    const target = memoryStorage();
    const trusted = { chainId, height, appHash: header.header.appHash };
    const restore = beginRestore({ storage: target, trusted, offered: { height, format, chunks: chunkHashes.length, hash, metadata } });
    for (let index = 0; index < chunkHashes.length; index += 1) await restore.apply(index, snapshots.chunk({ height, format, index }) as Uint8Array);
    await restore.finish();
    expect(openState(target).root).toBe(trusted.appHash);
  }
  expect(snapshots.list().map(({ hash }) => `snapshot ${hash}`)).toContain(newest);
}

test("killed at random, again and again: nothing acknowledged is lost, and tree, history, blocks and snapshots fit together", async () => {
  const acknowledged: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { hashes, snapshots } = await workThenDie(40, Math.random() * 40);
    acknowledged.push(...hashes);
    const storage = lmdbStorage(join(folder, "db"));
    checkStorage(storage);
    const blocks = new BlockStore(storage, 1_000_000);
    for (const hash of acknowledged) expect(blocks.tx(hash as never)).toMatchObject({ ok: true });
    await checkSnapshots(storage, snapshots.at(-1) as string);
    if (round === ROUNDS - 1) checkReplay({ storage, chainId: KILLED.chainId, genesis: KILLED.genesis });
    await storage.close();
  }
  expect(acknowledged.length).toBeGreaterThan(40 * ROUNDS - 1);
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
});
