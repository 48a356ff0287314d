/** When `solo` makes a block: at once for what somebody waits for, gathered for what nobody does. Timers are moved by hand. */
import { type Clock, bytesToHex, encode, silentLogger } from "@tfgrid/primitives";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Engine, type TxResult, chain as types, genesisHashOf, runtime, solo, testing } from "../../src/index.ts";
import { memoryStorage } from "../../src/state/index.ts";

const CHAIN = "pace";
const NODES = ["node1", "node2"] as const;
const authority = testing.testKey("authority");
const genesis = runtime.defaultGenesis({
  chainId: CHAIN,
  params: { heartbeatIntervalMs: 600_000 },
  foundation: testing.testKey("foundation").account,
  validatorsPool: testing.testKey("pool").account,
  accounts: ["farmer", ...NODES].map((name) => ({ id: testing.testKey(name).account, freeUnits: 10n ** 12n })),
});
const PROFILE = {
  total: { cpuMilli: 16_000, memoryBytes: 2 ** 36, ssdBytes: 2 ** 40, hddBytes: 0 },
  location: { country: "Belgium", city: "Ghent", latitudeMicro: 0, longitudeMicro: 0 },
  interfaces: [],
  meshKey: bytesToHex(new Uint8Array(32).fill(7)),
  meshEndpoints: [],
  isolation: ["container" as const],
  softwareVersion: "0.1.0",
};
const twin = (name: string): types.Call => ({ type: "twins.create", relays: [], encryptionKey: testing.testKey(name).encryptionKey });
const beat = (nodeId: number): types.Call => ({ type: "nodes.heartbeat", nodeId: nodeId as never, uptimeSec: 1 });
const pay: types.Call = { type: "accounts.transfer", to: testing.testKey("new").account, amountUnits: 1n };

const START_MS = 1_800_000_000_000;
let nowMs = START_MS;
const clock: Clock = { nowMs: () => nowMs, sleep: () => Promise.reject(new Error("nobody sleeps here")) };
let engine: Engine;
const nonces = new Map<string, number>();

function submit(name: string, ...calls: readonly types.Call[]): Promise<TxResult> {
  const key = testing.testKey(name);
  const nonce = nonces.get(name) ?? 0;
  nonces.set(name, nonce + 1);
  const body = { chainId: CHAIN, signer: key.account, nonce, expiresAtHeight: 1_000 as never, calls };
  return engine.submit(encode(types.signedTransaction, { body, signature: key.sign("tfgrid/tx/v1", encode(types.transactionBody, body)) }));
}

/** Signatures are checked by other threads: their word is waited for, time stands still meanwhile. */
async function waiting(count: number): Promise<void> {
  while (engine.pending() < count) await new Promise((resolve) => setImmediate(resolve));
}

function pass(ms: number): void {
  nowMs += ms;
  vi.advanceTimersByTime(ms);
}

/** In the next block of the shortest interval. */
async function atOnce(name: string, ...calls: readonly types.Call[]): Promise<TxResult> {
  const before = engine.pending();
  const result = submit(name, ...calls);
  await waiting(before + 1);
  pass(50);
  const { ok, error, ...rest } = await result;
  expect(error).toBeUndefined();
  return { ok, ...rest };
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  nowMs = START_MS;
  nonces.clear();
  const genesisHash = genesisHashOf(runtime.genesisToJson(genesis), authority.account);
  const ports = { storage: memoryStorage(), clock, logger: silentLogger, runtime: runtime.createRuntime() };
  engine = solo({ ...ports, chainId: CHAIN, genesis, genesisHash, authority, onFatal: (error) => expect.unreachable(String(error)) });
  await atOnce("farmer", twin("farmer"), { type: "farms.create", name: "farm", dedicated: false });
  const token = { chainId: CHAIN, farmId: 1 as never, expiresAtMs: START_MS + 3_600_000 };
  const joinToken = { ...token, signature: testing.testKey("farmer").sign("tfgrid/join-token/v1", encode(types.joinTokenBody, token)) };
  for (const [index, name] of NODES.entries()) {
    await atOnce(name, twin(name), { type: "nodes.register", joinToken, ...PROFILE });
    // The first one brings it up: somebody may wait for that.
    await atOnce(name, beat(index + 1));
  }
});

afterEach(async () => {
  await engine.stop();
  vi.useRealTimers();
});

test("heartbeats wait for a second after the last block, and share the next one", async () => {
  const { height } = engine.head();
  const first = submit("node1", beat(1));
  await waiting(1);
  pass(400);
  const second = submit("node2", beat(2));
  await waiting(2);
  pass(599);
  expect([engine.head().height, engine.pending()]).toEqual([height, 2]);
  pass(1);
  expect((await Promise.all([first, second])).map(({ ok, height: at }) => [ok, at])).toEqual([
    [true, height + 1],
    [true, height + 1],
  ]);
});

test("a heartbeat that comes long after the last block waits for nobody", async () => {
  pass(5_000);
  const { height } = engine.head();
  const result = submit("node1", beat(1));
  await waiting(1);
  pass(1);
  expect((await result).height).toBe(height + 1);
});

test("what somebody waits for is in a block at once, and takes along what waits", async () => {
  const { height } = engine.head();
  const patient = submit("node1", beat(1));
  await waiting(1);
  pass(100);
  const urgent = submit("farmer", pay);
  await waiting(2);
  pass(1);
  expect((await Promise.all([patient, urgent])).map(({ ok, height: at }) => [ok, at])).toEqual([
    [true, height + 1],
    [true, height + 1],
  ]);
});

test("a node's own next transaction goes before its heartbeat has been answered", async () => {
  const patient = submit("node1", beat(1));
  await waiting(1);
  const { height } = await atOnce("node1", { type: "nodes.update", nodeId: 1 as never, ...PROFILE });
  expect((await patient).height).toBe(height);
});
