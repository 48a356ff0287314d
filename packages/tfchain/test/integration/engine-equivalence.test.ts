/** A chain that CometBFT itself ordered, carried out again as solo does; and ledgers that move from one engine to the other. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesToHex, encode, sha256, utf8 } from "@tfgrid/primitives";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BlockStore } from "../../src/engines/block-store.ts";
import { cometHome, writeHome } from "../../src/engines/cometbft/home.ts";
import { type RecordedBlock, type RecordedChain, replay } from "../../src/engines/index.ts";
import { type RunningChain, connectChain, ensureCometBft, exportChain, genesisHashOf, type light, newChain, startChain } from "../../src/index.ts";
import type { CometHeaderProof } from "../../src/light/index.ts";
import { type Genesis, createRuntime, defaultGenesis, genesisStart, genesisToJson } from "../../src/runtime/index.ts";
import { lmdbStorage, memoryStorage } from "../../src/state/index.ts";
import { testKey } from "../../src/testing.ts";
import { signedTransaction, transactionBody } from "../../src/types/calls.ts";
import { freePort } from "../support/comet-program.ts";
import { twinCall } from "../unit/runtime-harness.ts";

const VALIDATOR = testKey("validator");
const AUTHORITY = testKey("authority");
const PEOPLE = ["alice", "bob", "carol"] as const;
const runtime = createRuntime();

let folder: string;
const running: RunningChain[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tfgrid-equivalence-"));
});
afterEach(async () => {
  for (const chain of running.splice(0)) await chain.stop();
  rmSync(folder, { recursive: true, force: true });
});

function newGenesis(chainId: string): Genesis {
  return defaultGenesis({
    chainId,
    foundation: testKey("foundation").account,
    validatorsPool: testKey("pool").account,
    accounts: PEOPLE.map((name) => ({ id: testKey(name).account, freeUnits: 10n ** 12n })),
    validators: [{ publicKey: VALIDATOR.account, power: 10 }],
  });
}

async function startComet(name: string, genesis: Genesis, onFatal?: (error: unknown) => void): Promise<RunningChain> {
  const genesisHash = genesisHashOf(genesisToJson(genesis), "cometbft");
  const home = join(folder, name, "comet");
  const settings = { p2pListen: `tcp://127.0.0.1:${await freePort()}`, peers: [], pace: { commitMs: 20, proposeMs: 500, voteMs: 200, idleMs: 20 } };
  const told = { chainId: genesis.chainId, genesisHash, timeMs: Date.now(), validators: genesis.validators ?? [], firstHeight: genesisStart(genesis).height + 1 };
  writeHome(home, cometHome({ genesis: told, validatorSeed: VALIDATOR.secretSeed, nodeSeed: sha256(utf8("tfgrid test node")), settings }));
  const chain = await startChain({ dataDir: join(folder, name, "data"), genesis, engine: { kind: "cometbft", home, binary: await ensureCometBft() }, ...(onFatal === undefined ? {} : { onFatal }) });
  running.push(chain);
  return chain;
}

async function startSolo(name: string, genesis: Genesis): Promise<RunningChain> {
  const chain = await startChain({ dataDir: join(folder, name, "data"), genesis, authority: AUTHORITY, blockIntervalMs: 10 });
  running.push(chain);
  return chain;
}

const soloTrust = (chainId: string): light.ChainTrust => ({ chainId, authority: AUTHORITY.account });
const cometTrust = (chainId: string): light.ChainTrust => newChain.trustInValidators(chainId, [{ publicKey: VALIDATOR.account, power: 10 }]);

function twinOf(name: string, chainId: string): Uint8Array {
  const key = testKey(name);
  const body = { chainId, signer: key.account, nonce: 0, expiresAtHeight: transactionBody.fields.expiresAtHeight.fromCbor(1_000), calls: [twinCall(name)] };
  return encode(signedTransaction, { body, signature: key.sign("tfgrid/tx/v1", encode(transactionBody, body)) });
}

/** Everybody sends something to the next, and a farm begins. */
async function live(chain: RunningChain, trust: light.ChainTrust, rounds: number): Promise<void> {
  const client = connectChain({ url: chain.endpoints.rpc, trust });
  const missing = await Promise.all(PEOPLE.map(async (name) => ((await client.twinByAccount(testKey(name).account)) === undefined ? [name] : [])));
  await Promise.all(missing.flat().map((name) => client.submit(testKey(name), [twinCall(name)])));
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(
      PEOPLE.map((name, index) => {
        const to = testKey(PEOPLE[(index + 1) % PEOPLE.length] ?? "alice").account;
        return client.submit(testKey(name), [{ type: "accounts.transfer", to, amountUnits: BigInt(1_000 + round) }]);
      }),
    );
  }
  await client.close();
}

/** From the data folder of a stopped chain: times and hashes are those that CometBFT's validators signed. */
async function recordedOf(dataDir: string, genesis: Genesis): Promise<RecordedChain> {
  const storage = lmdbStorage(dataDir);
  const blocks = new BlockStore(storage, 1_000_000);
  const head = blocks.headHeight() ?? 0;
  const start = genesisStart(genesis).height;
  const headerOf = (height: number): CometHeaderProof["header"] => (blocks.header(height) as CometHeaderProof).header;
  const recorded: RecordedBlock[] = [];
  // The hash of a block's state is in the header after it.
  for (let height = start + 1; blocks.hasHeader(height + 1) && height < head; height += 1) {
    const txs = blocks.transactions(height).map(bytesToHex);
    recorded.push({ height: height as RecordedBlock["height"], timeMs: Number(headerOf(height).timeNs / 1_000_000n), txs, appHash: headerOf(height + 1).appHash });
  }
  const genesisAppHash = headerOf(start + 1).appHash;
  await storage.close();
  return { genesis: genesisToJson(genesis), genesisAppHash, blocks: recorded };
}

describe("a chain ordered by CometBFT", () => {
  it("comes to the hashes that its validator signed, as solo carries out its blocks", async () => {
    const genesis = newGenesis("comet-recorded");
    const chain = await startComet("one", genesis);
    await live(chain, cometTrust(genesis.chainId), 6);
    await chain.stop();
    const recorded = await recordedOf(join(folder, "one", "data"), genesis);
    expect(recorded.blocks.reduce((sum, { txs }) => sum + txs.length, 0)).toBeGreaterThanOrEqual(15);
    expect(replay({ runtime, storage: memoryStorage(), chain: recorded })).toBe(recorded.blocks.length);
  });
});

describe("an upgrade that this program does not know, under CometBFT", () => {
  it("ends the ledger before its height, again at every start, and names the release", async () => {
    const known = newGenesis("to-be-upgraded");
    // Far enough away for the start to be over before it, even where blocks come quickly.
    const atHeight = 60;
    const charter = { certifiers: [], feeders: [], osRelease: null, terms: null, upgrade: { stateVersion: 2, atHeight, release: "2.0.0" } };
    const genesis: Genesis = { ...known, charter };
    const ended = Promise.withResolvers<unknown>();
    const chain = await startComet("upgrade", genesis, ended.resolve);
    // Each in a block of its own; those that CometBFT makes without transactions do the rest.
    const submitted = PEOPLE.reduce((before, name) => before.then(() => chain.engine.submit(twinOf(name, genesis.chainId))), Promise.resolve<unknown>(undefined)).catch((error: unknown) => error);
    expect(await ended.promise).toMatchObject({ code: "chain.upgrade_needed", details: { release: "2.0.0", atHeight } });
    await chain.stop();
    await submitted;
    expect(chain.engine.head().height).toBe(atHeight - 1);
    await expect(startComet("upgrade", genesis)).rejects.toMatchObject({ code: "chain.upgrade_needed" });
  });
});

describe("a ledger that moves", () => {
  it("from solo to CometBFT and back keeps everything, and goes on at the next height", async () => {
    const genesis = newGenesis("first");
    const first = await startSolo("first", genesis);
    await live(first, soloTrust("first"), 3);
    const before = runtime.queries(first.engine.state);
    const held = { accounts: PEOPLE.map((name) => before.account(testKey(name).account)), twins: before.twins() };
    await first.stop();

    const second = await exportChain({ dataDir: join(folder, "first", "data"), chainId: "second" });
    const comet = await startComet("second", { ...second, validators: [{ publicKey: VALIDATOR.account, power: 10 }] });
    expect(comet.engine.firstRetainedHeight()).toBe(genesisStart(second).height);
    const there = runtime.queries(comet.engine.state);
    expect({ accounts: PEOPLE.map((name) => there.account(testKey(name).account)), twins: there.twins() }).toEqual(held);
    await live(comet, cometTrust("second"), 2);
    await comet.stop();

    const third = await exportChain({ dataDir: join(folder, "second", "data"), chainId: "third" });
    expect(genesisStart(third).height).toBeGreaterThan(genesisStart(second).height + 2);
    const last = await startSolo("third", third);
    await live(last, soloTrust("third"), 1);
    expect(last.engine.head().height).toBeGreaterThan(genesisStart(third).height);
    expect(runtime.queries(last.engine.state).account(testKey("alice").account).nonce).toBe(1 + 3 + 2 + 1);
    expect(runtime.invariants(last.engine.state)).toEqual([]);
    await last.stop();
  });

  it("is not exported while it runs, nor from a folder without one", async () => {
    await startSolo("busy", newGenesis("busy"));
    await expect(exportChain({ dataDir: join(folder, "busy", "data") })).rejects.toMatchObject({ code: "chain.data_locked" });
    await expect(exportChain({ dataDir: join(folder, "nothing") })).rejects.toMatchObject({ code: "chain.nothing_to_export" });
  });
});
