/**
 * A crash at every storage write, before it and right after it: the next start finds a committed height with everything that
 * was acknowledged, and the ledger ends with the bytes that it has without a crash.
 */
import { type Clock, type Hex, encode, silentLogger } from "@tfgrid/primitives";
import { describe, expect, test } from "vitest";
import { type Engine, type TxResult, chain as types, genesisHashOf, runtime, solo, testing } from "../../src/index.ts";
import { type Storage, memoryStorage } from "../../src/state/index.ts";
import { Crash, crashing } from "../support/crashing-storage.ts";
import { checkReplay, checkStorage } from "../support/ledger-check.ts";
import { dump } from "../support/state.ts";

const CHAIN = "crashes";
const authority = testing.testKey("authority");
const NAMES = ["alice", "bob", "farmer"] as const;
const genesis = runtime.defaultGenesis({
  chainId: CHAIN,
  foundation: testing.testKey("foundation").account,
  validatorsPool: testing.testKey("pool").account,
  accounts: NAMES.map((name) => ({ id: testing.testKey(name).account, freeUnits: 10n ** 12n })),
});
const START_MS = 1_800_000_000_000;

function signed(name: string, nonce: number, calls: readonly types.Call[]): Uint8Array {
  const key = testing.testKey(name);
  const body = { chainId: CHAIN, signer: key.account, nonce, expiresAtHeight: 1_000 as never, calls };
  return encode(types.signedTransaction, { body, signature: key.sign("tfgrid/tx/v1", encode(types.transactionBody, body)) });
}

const twin = (name: string): types.Call => ({ type: "twins.create", relays: [], encryptionKey: testing.testKey(name).encryptionKey });
const pay = (to: string, amountUnits: bigint): types.Call => ({ type: "accounts.transfer", to: testing.testKey(to).account, amountUnits });
/** One block each, some with two transactions, one of them refused: its fee and number count too. */
const STEPS: readonly (readonly Uint8Array[])[] = [
  [signed("alice", 0, [twin("alice")]), signed("bob", 0, [twin("bob")])],
  [signed("farmer", 0, [twin("farmer"), { type: "farms.create", name: "farm", dedicated: false }])],
  [signed("alice", 1, [pay("bob", 5n), pay("new", 7n)])],
  [signed("bob", 1, [pay("alice", 10n ** 15n)]), signed("alice", 2, [pay("farmer", 1n)])],
  [signed("farmer", 1, [{ type: "farms.update", farmId: 1 as never, name: "other", dedicated: true }])],
  [signed("bob", 2, [{ type: "twins.close" }])],
];

interface Run {
  readonly engine: Engine;
  readonly fatal: Promise<unknown>;
}

function open(storage: Storage, clock: Clock): Run {
  const fatal = Promise.withResolvers<unknown>();
  const chainId = CHAIN;
  const genesisHash = genesisHashOf(runtime.genesisToJson(genesis), authority.account);
  const ports = { storage, clock, logger: silentLogger, runtime: runtime.createRuntime() };
  // Long enough that the transactions of one step meet in one block.
  const engine = solo({ ...ports, chainId, genesis, genesisHash, authority, blockIntervalMs: 20, onFatal: fatal.resolve });
  return { engine, fatal: fatal.promise };
}

/** Goes through all steps; at each crash a new process is started on what the disk holds. Returns what was acknowledged. */
async function live(disk: Storage, first: Storage): Promise<{ readonly acknowledged: Map<Hex, TxResult>; readonly crashes: number }> {
  let nowMs = START_MS;
  const clock: Clock = { nowMs: () => nowMs, sleep: () => Promise.reject(new Error("nobody sleeps here")) };
  const acknowledged = new Map<Hex, TxResult>();
  let crashes = 0;
  let storage = first;
  let run: Run | undefined;
  const restart = async (error: unknown): Promise<void> => {
    if (!(error instanceof Crash)) throw error;
    await run?.engine.stop();
    crashes += 1;
    storage = disk;
    run = open(storage, clock);
    checkStorage(disk);
    for (const [hash, result] of acknowledged) expect(run.engine.tx(hash)).toEqual(result);
  };
  try {
    run = open(storage, clock);
  } catch (error) {
    await restart(error);
  }
  for (const step of STEPS) {
    nowMs += 1_000;
    for (let done = false; !done; ) {
      const { engine, fatal } = run as Run;
      const results = step.map(async (tx) => engine.submit(tx));
      const crash = fatal.then((error) => ({ error }));
      const outcome = await Promise.race([Promise.allSettled(results), crash]);
      for (const result of await Promise.allSettled(results)) if (result.status === "fulfilled") acknowledged.set(result.value.hash, result.value);
      done = Array.isArray(outcome) && outcome.every(({ status }) => status === "fulfilled");
      // A client that is told nothing sends the same bytes again.
      if (!done) await restart((await crash).error);
    }
  }
  await (run as Run).engine.stop();
  return { acknowledged, crashes };
}

const bytesOf = (storage: Storage): string => JSON.stringify(dump(storage));

describe("a crash at every storage write", () => {
  test("before or after it: same ledger, byte by byte, as without a crash", async () => {
    const calm = memoryStorage();
    const { acknowledged } = await live(calm, calm);
    expect([...acknowledged.values()].map(({ ok }) => ok)).toEqual([true, true, true, true, false, true, true, true]);
    checkStorage(calm);
    checkReplay({ storage: calm, chainId: CHAIN, genesis });
    const expected = bytesOf(calm);
    let at = 0;
    for (let crashed = true; crashed; at += 1) {
      const both = await Promise.all(
        (["before", "after"] as const).map(async (when) => {
          const disk = memoryStorage();
          const { acknowledged: kept, crashes } = await live(disk, crashing(disk, { at, when }));
          expect([...kept.keys()].sort()).toEqual([...acknowledged.keys()].sort());
          checkReplay({ storage: disk, chainId: CHAIN, genesis });
          expect(bytesOf(disk) === expected, `crash ${when} write ${at}`).toBe(true);
          return crashes;
        }),
      );
      crashed = both.every((crashes) => crashes === 1);
      expect(new Set(both).size).toBe(1);
    }
    // The format, the genesis and one block for each step: every one of them was a place to die.
    expect(at - 1).toBe(2 + STEPS.length);
  });
});
