/** One setting decides how far back blocks, transactions, events and proofs go; all the rest is taken away as blocks are made. */
import { type Clock, encode, silentLogger } from "@tfgrid/primitives";
import { describe, expect, test } from "vitest";
import { type Engine, chain as types, genesisHashOf, runtime, solo, testing } from "../../src/index.ts";
import { STATE_LIMITS } from "../../src/limits.ts";
import { type Storage, memoryStorage } from "../../src/state/index.ts";
import { checkStorage } from "../support/ledger-check.ts";
import { dump } from "../support/state.ts";

const CHAIN = "retention";
const authority = testing.testKey("authority");
const alice = testing.testKey("alice");
const genesis = runtime.defaultGenesis({
  chainId: CHAIN,
  foundation: authority.account,
  validatorsPool: testing.testKey("pool").account,
  accounts: [{ id: alice.account, freeUnits: 10n ** 12n }],
});
const TO = testing.testKey("bob").account;
const ALICE_KEY = `account/${alice.account}`;
let nowMs = 1_800_000_000_000;
const clock: Clock = { nowMs: () => nowMs, sleep: () => Promise.reject(new Error("nobody sleeps here")) };

function open(storage: Storage, retainedBlocks: number): Engine {
  const genesisHash = genesisHashOf(runtime.genesisToJson(genesis), authority.account);
  const onFatal = (error: unknown): never => {
    throw error;
  };
  const ports = { storage, clock, logger: silentLogger, runtime: runtime.createRuntime() };
  return solo({ ...ports, chainId: CHAIN, genesis, genesisHash, authority, blockIntervalMs: 1, retainedBlocks, onFatal });
}

let nonce = 0;
async function blocks(engine: Engine, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    nowMs += 1_000;
    const calls = [{ type: "accounts.transfer" as const, to: TO, amountUnits: 1n }];
    const body = { chainId: CHAIN, signer: alice.account, nonce, expiresAtHeight: 10_000 as never, calls };
    nonce += 1;
    const { ok } = await engine.submit(encode(types.signedTransaction, { body, signature: alice.sign("tfgrid/tx/v1", encode(types.transactionBody, body)) }));
    expect(ok).toBe(true);
  }
}

/** Heights that the tables hold rows of. */
function heights(storage: Storage): Record<"blocks" | "events" | "txs" | "history", number[]> {
  const { blocks: rows, events, txs, history } = dump(storage);
  const of = (names: readonly string[], base: number): number[] => [...new Set(names.map((name) => Number.parseInt(name, base)))].sort((a, b) => a - b);
  const keys = (table: readonly [string, string][]): string[] => table.map(([key]) => key);
  const places = txs.map(([, place]) => Buffer.from(place, "hex").toString().split("/")[0] as string);
  return { blocks: of(keys(rows), 16), events: of(keys(events), 16), txs: of(places, 10), history: of(keys(history), 16) };
}
const from = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe("retained blocks", () => {
  test("are the newest so many, with their transactions, events and provable states; a lowered number is reached in steps", async () => {
    nonce = 0;
    const storage = memoryStorage();
    let engine = open(storage, 6);
    await blocks(engine, 20);
    const kept = from(15, 20);
    expect(heights(storage)).toEqual({ blocks: kept, events: kept, txs: kept, history: kept });
    expect(engine.firstRetainedHeight()).toBe(15);
    expect(engine.state.firstVersion).toBe(15);
    checkStorage(storage);
    expect(() => engine.block(14)).toThrow(expect.objectContaining({ code: "chain.height_pruned" }));
    expect(() => engine.state.proveAt(14, ALICE_KEY)).toThrow(expect.objectContaining({ code: "chain.state_pruned" }));
    const proven = kept.map((height) => engine.state.proveAt(height, ALICE_KEY));
    expect(new Set(proven.map(({ value }) => Buffer.from(value ?? []).toString("hex"))).size).toBe(kept.length);
    await engine.stop();

    // More again: nothing comes back, but nothing more goes until there are as many.
    engine = open(storage, 10);
    await blocks(engine, 3);
    expect(heights(storage).blocks).toEqual(from(15, 23));
    await engine.stop();

    // Fewer: a few with each block, so that no block has to remove everything.
    engine = open(storage, 3);
    await blocks(engine, 1);
    expect(heights(storage)).toMatchObject({ blocks: from(17, 24), history: from(17, 24) });
    checkStorage(storage);
    await blocks(engine, 5);
    expect(heights(storage)).toMatchObject({ blocks: from(27, 29), history: from(27, 29), events: from(27, 29), txs: from(27, 29) });
    checkStorage(storage);
    await engine.stop();
  });

  test("that are many keep as many provable states as the limit says", async () => {
    nonce = 0;
    const storage = memoryStorage();
    const engine = open(storage, 1_000_000);
    await blocks(engine, STATE_LIMITS.provenVersions + 10);
    expect(engine.firstRetainedHeight()).toBe(0);
    expect(engine.state.firstVersion).toBe(11);
    expect(heights(storage).history).toHaveLength(STATE_LIMITS.provenVersions);
    checkStorage(storage);
    await engine.stop();
  });
});
