/**
 * The CometBFT application, dying at every storage write. As the protocol says, cometbft asks for the last committed height and
 * gives the blocks after it again: the ledger must end with the bytes that it has without a crash. The same for a node that
 * dies while it begins with a snapshot: it begins anew, or goes on from the snapshot's height, never from half of it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { bytesToHex, encode, hexToBytes, sha256, silentLogger } from "@tfgrid/primitives";
import { afterEach, describe, expect, test } from "vitest";
import { BlockStore } from "../../src/engines/block-store.ts";
import { Application } from "../../src/engines/cometbft/application.ts";
import { KnownTxs } from "../../src/engines/cometbft/known-txs.ts";
import type { RequestValue, ResponseValue } from "../../src/engines/cometbft/server.ts";
import * as abci from "../../src/engines/cometbft/wire/index.ts";
import { genesisHashOf } from "../../src/engines/index.ts";
import { createRuntime, defaultGenesis, genesisToJson } from "../../src/runtime/index.ts";
import { type SnapshotInfo, type Snapshots, type Storage, memoryStorage, openSnapshots, openState, snapshotFiles } from "../../src/state/index.ts";
import { infoOf } from "../../src/state/snapshot-format.ts";
import { testKey } from "../../src/testing.ts";
import { type Call, signedTransaction, transactionBody } from "../../src/types/index.ts";
import { CometDriver } from "../support/comet-driver.ts";
import { Crash, crashing } from "../support/crashing-storage.ts";
import { checkStorage } from "../support/ledger-check.ts";
import { dump } from "../support/state.ts";

const CHAIN_ID = "comet-crashes";
const runtime = createRuntime();
const accounts = ["alice", "bob"].map((name) => ({ id: testKey(name).account, freeUnits: 10n ** 12n }));
const validators = ["v1", "v2"].map((name) => ({ publicKey: testKey(name).account, power: 10 }));
const genesis = defaultGenesis({ chainId: CHAIN_ID, foundation: testKey("foundation").account, validatorsPool: testKey("pool").account, accounts, validators });
const chain = { genesis: genesisToJson(genesis) };

function tx(name: string, nonce: number, calls: readonly Call[]): string {
  const key = testKey(name);
  const body = { chainId: CHAIN_ID, signer: key.account, nonce, expiresAtHeight: 1_000 as never, calls };
  return bytesToHex(encode(signedTransaction, { body, signature: key.sign("tfgrid/tx/v1", encode(transactionBody, body)) }));
}

const pay = (to: string, amountUnits: bigint): Call => ({ type: "accounts.transfer", to: testKey(to).account, amountUnits });
const BLOCKS = [
  [tx("alice", 0, [pay("bob", 5n), pay("new", 7n)])],
  [],
  [tx("bob", 0, [pay("alice", 10n ** 15n)]), tx("alice", 1, [{ type: "twins.create", relays: [], encryptionKey: testKey("alice").encryptionKey }])],
  [tx("alice", 2, [{ type: "farms.create", name: "farm", dedicated: false }])],
  // A proposer that cheats: bytes that are no transaction change nothing, and end nobody.
  ["00ff", tx("bob", 1, [pay("alice", 3n)])],
].map((txs, index) => ({ height: index + 1, timeMs: 1_800_000_000_000 + index * 1_000, txs }));

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** As cometbft: on every start it asks where the application is, and gives what follows. Returns the number of crashes. */
async function live(disk: Storage, first: Storage): Promise<number> {
  let crashes = 0;
  for (let storage = first; ; storage = disk) {
    try {
      const driver = new CometDriver({ runtime, chain, storage });
      for (const block of BLOCKS.slice(driver.app.head.height)) expect(await driver.block(block)).toBe(driver.appHash);
      return crashes;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      crashes += 1;
      checkStorage(disk);
    }
  }
}

describe("a validator that dies at every storage write", () => {
  test("has the bytes of one that never died", async () => {
    const calm = memoryStorage();
    expect(await live(calm, calm)).toBe(0);
    checkStorage(calm);
    const expected = JSON.stringify(dump(calm));
    // The format, the genesis and every block.
    const writes = 2 + BLOCKS.length;
    for (let at = 0; at <= writes; at += 1) {
      for (const when of ["before", "after"] as const) {
        const disk = memoryStorage();
        expect(await live(disk, crashing(disk, { at, when }))).toBe(at < writes ? 1 : 0);
        expect(JSON.stringify(dump(disk)) === expected, `crash ${when} write ${at}`).toBe(true);
      }
    }
  });

  test("between FinalizeBlock and Commit has kept nothing of the block, and gives the same hash again", async () => {
    const disk = memoryStorage();
    for (const block of BLOCKS) {
      const before = new CometDriver({ runtime, chain, storage: disk });
      const kept = JSON.stringify(dump(disk));
      const hash = await before.block(block, false);
      expect(JSON.stringify(dump(disk)) === kept).toBe(true);
      expect(await new CometDriver({ runtime, chain, storage: disk }).block(block)).toBe(hash);
    }
    checkStorage(disk);
  });
});

describe("a node that dies while it begins with a snapshot", () => {
  const genesisHash = genesisHashOf(chain.genesis, "cometbft");
  const appOn = (storage: Storage): Application =>
    new Application({
      storage,
      runtime,
      blocks: new BlockStore(storage, 1_000),
      known: new KnownTxs({ runtime }),
      chainId: CHAIN_ID,
      genesis,
      genesisHash,
      start: { height: 0, timeMs: 0 },
      retainedBlocks: 1_000,
      logger: silentLogger,
    });
  const ask = async (app: Application, request: RequestValue): Promise<ResponseValue> => (await app.begin(request))();

  async function source(): Promise<{ readonly info: SnapshotInfo; readonly snapshots: Snapshots; readonly rows: number }> {
    const storage = memoryStorage();
    const driver = new CometDriver({ runtime, chain, storage });
    for (const block of BLOCKS.slice(0, 3)) await driver.block(block);
    const folder = mkdtempSync(join(tmpdir(), "tfgrid-comet-snapshots-"));
    folders.push(folder);
    const snapshots = openSnapshots({ files: snapshotFiles(folder), storage, state: openState(storage), chainId: CHAIN_ID, logger: silentLogger, chunkBytes: 600 });
    const info = await snapshots.take();
    if (info === undefined) throw new Error("no snapshot was taken");
    expect(info.manifest.chunkHashes.length).toBeGreaterThan(3);
    const target = memoryStorage();
    await join_(appOn(target), { info, snapshots });
    const { state, tree, history } = dump(target);
    return { info, snapshots, rows: state.length + tree.length + history.length };
  }

  async function join_(app: Application, { info, snapshots }: { readonly info: SnapshotInfo; readonly snapshots: Snapshots }): Promise<void> {
    const { height, format, chunkHashes, appHash } = info.manifest;
    const snapshot = create(abci.SnapshotSchema, { height: BigInt(height), format, chunks: chunkHashes.length, hash: hexToBytes(info.hash), metadata: info.metadata });
    const offered = await ask(app, { case: "offerSnapshot", value: create(abci.RequestOfferSnapshotSchema, { snapshot, appHash: hexToBytes(appHash) }) });
    expect(offered.value).toMatchObject({ result: abci.ResponseOfferSnapshot_Result.ACCEPT });
    for (let index = 0; index < chunkHashes.length; index += 1) {
      const chunk = snapshots.chunk({ height, format, index }) as Uint8Array;
      const applied = await ask(app, { case: "applySnapshotChunk", value: create(abci.RequestApplySnapshotChunkSchema, { index, chunk, sender: "peer" }) });
      expect(applied.value).toMatchObject({ result: abci.ResponseApplySnapshotChunk_Result.ACCEPT });
    }
  }

  test("is empty or whole afterwards, never between, and ends with everyone's hash", async () => {
    const from = await source();
    const whole = new CometDriver({ runtime, chain });
    for (const block of BLOCKS) await whole.block(block);
    let at = 0;
    for (let crashed = true; crashed; at += 1) {
      for (const when of ["before", "after"] as const) {
        const disk = memoryStorage();
        crashed = false;
        try {
          await join_(appOn(crashing(disk, { at, when })), from);
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
          crashed = true;
        }
        const again = appOn(disk);
        const left = dump(disk);
        const rows = left.state.length + left.tree.length + left.history.length;
        // Empty at height 0, the whole state at the snapshot's.
        expect([`0 with 0`, `3 with ${from.rows}`]).toContain(`${again.head.height} with ${rows}`);
        if (again.head.height === 0) await join_(again, from);
        expect(again.head).toMatchObject({ height: 3, appHash: from.info.manifest.appHash });
        checkStorage(disk);
        const joined = new CometDriver({ runtime, chain, storage: disk });
        for (const block of BLOCKS.slice(3)) await joined.block(block);
        expect(joined.appHash).toBe(whole.appHash);
        checkStorage(disk);
      }
    }
    // Format, marker, each chunk and the last write that makes it count.
    expect(at - 1).toBeGreaterThanOrEqual(3 + from.info.manifest.chunkHashes.length);
  });

  test("gives a snapshot up whose chunks are as described and yet no rows, or another state, and takes the honest one", async () => {
    const { info, snapshots } = await source();
    const disk = memoryStorage();
    const app = appOn(disk);
    const empty = JSON.stringify(dump(disk));
    const row = Buffer.from([0, 1, 0, 0, 0, 1, 0x61, 1]);
    for (const chunk of [Buffer.concat([row, row]), row]) {
      const lie = infoOf({ ...info.manifest, rows: 1, chunkHashes: [bytesToHex(sha256(chunk))] });
      const { height, format, appHash } = lie.manifest;
      const snapshot = create(abci.SnapshotSchema, { height: BigInt(height), format, chunks: 1, hash: hexToBytes(lie.hash), metadata: lie.metadata });
      const offer = create(abci.RequestOfferSnapshotSchema, { snapshot, appHash: hexToBytes(appHash) });
      expect((await ask(app, { case: "offerSnapshot", value: offer })).value).toMatchObject({ result: abci.ResponseOfferSnapshot_Result.ACCEPT });
      const apply = create(abci.RequestApplySnapshotChunkSchema, { index: 0, chunk, sender: "liar" });
      const applied = await ask(app, { case: "applySnapshotChunk", value: apply });
      expect(applied.value).toMatchObject({ result: abci.ResponseApplySnapshotChunk_Result.REJECT_SNAPSHOT });
      expect(JSON.stringify(dump(disk)) === empty).toBe(true);
    }
    await join_(app, { info, snapshots });
    expect(app.head).toMatchObject({ height: 3, appHash: info.manifest.appHash });
  });

  test("gives a chunk up that it is applying when another snapshot is offered, and takes that one", async () => {
    const from = await source();
    const { height, format, chunkHashes, appHash } = from.info.manifest;
    const disk = memoryStorage();
    const app = appOn(disk);
    const snapshot = create(abci.SnapshotSchema, { height: BigInt(height), format, chunks: chunkHashes.length, hash: hexToBytes(from.info.hash), metadata: from.info.metadata });
    const offer = create(abci.RequestOfferSnapshotSchema, { snapshot, appHash: hexToBytes(appHash) });
    await ask(app, { case: "offerSnapshot", value: offer });
    const chunk = from.snapshots.chunk({ height, format, index: 0 }) as Uint8Array;
    const applying = ask(app, { case: "applySnapshotChunk", value: create(abci.RequestApplySnapshotChunkSchema, { index: 0, chunk, sender: "honest" }) });
    await join_(app, from);
    expect((await applying).value).toMatchObject({ result: abci.ResponseApplySnapshotChunk_Result.ABORT });
    expect(app.head).toMatchObject({ height: 3, appHash });
    checkStorage(disk);
  });
});
