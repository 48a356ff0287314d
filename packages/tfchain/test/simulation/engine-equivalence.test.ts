/** The same transactions in the same blocks give the same state in both engines, at every height. */
import { readFileSync } from "node:fs";
import { encode, hexToBytes, silentLogger, systemClock } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { BlockStore } from "../../src/engines/block-store.ts";
import { type RecordedChain, carryOutBlocks, genesisHashOf, recordBlocks, recordedChain, replay, solo } from "../../src/engines/index.ts";
import { createRuntime, defaultGenesis, genesisToJson } from "../../src/runtime/index.ts";
import type { DueHandler } from "../../src/runtime/module.ts";
import { DUE_HANDLERS } from "../../src/runtime/modules.ts";
import { memoryStorage, openState } from "../../src/state/index.ts";
import { type Call, signedTransaction, transactionBody } from "../../src/types/calls.ts";
import { CometDriver } from "../support/comet-driver.ts";
import { CALL_TYPES } from "../support/random-calls.ts";
import { recordHistory } from "../support/recording-chain.ts";
import { PROFILE, accountOf, keyOf, twinCall } from "../unit/runtime-harness.ts";

const runtime = createRuntime();

async function throughComet(chain: RecordedChain, program = runtime): Promise<string[]> {
  const driver = new CometDriver({ runtime: program, chain });
  const hashes: string[] = [driver.appHash];
  for (const block of chain.blocks) hashes.push(await driver.block(block));
  return hashes;
}
const hashesOf = (chain: RecordedChain): string[] => [chain.genesisAppHash, ...chain.blocks.map(({ appHash }) => appHash)];

/** A change of the ledger's rules or format shows here: `node packages/tfchain/test/generate/chain.ts` writes the chain anew. */
describe("the kept chain of vectors/chain.json", () => {
  const chain = recordedChain.fromJson(JSON.parse(readFileSync(new URL("../../vectors/chain.json", import.meta.url), "utf8")));

  it("comes to its hashes as solo carries blocks out", () => {
    expect(chain.blocks.length).toBeGreaterThan(50);
    expect(replay({ runtime, storage: memoryStorage(), chain })).toBe(chain.blocks.length);
  });

  it("comes to its hashes as the application of CometBFT", async () => {
    expect(await throughComet(chain)).toEqual(hashesOf(chain));
  });

  it("holds every kind of call, granted and refused, and validators that were caught", () => {
    expect(chain.blocks.flatMap(({ misbehaviour = [] }) => misbehaviour.map(({ kind }) => kind))).toEqual(["duplicate_vote", "light_client_attack"]);
    const driver = createRuntime();
    const calls = chain.blocks.flatMap(({ txs }) => txs.flatMap((tx) => driver.decodeTx(hexToBytes(tx), 1 << 20).tx.body.calls));
    expect(CALL_TYPES.filter((type) => !calls.some((call) => call.type === type))).toEqual([]);
  });

  it("does not, when one byte of a block, or one millisecond, is another", () => {
    const last = chain.blocks.findLastIndex(({ txs }) => txs.length > 0);
    const later = chain.blocks.map((block, index) => (index === last ? { ...block, timeMs: block.timeMs + 1 } : block));
    const fewer = chain.blocks.map((block, index) => (index === last ? { ...block, txs: block.txs.slice(1) } : block));
    for (const blocks of [later, fewer]) {
      expect(() => replay({ runtime, storage: memoryStorage(), chain: { ...chain, blocks } })).toThrow(expect.objectContaining({ code: "chain.replay_differs" }));
    }
  });
});

/** Bugs are contained by the ledger and not by an engine, so that both go on in the same way. */
describe("the kept chain, carried out by a program with bugs in its time-based work", () => {
  it("goes on, to the same hashes in both engines", async () => {
    const chain = recordedChain.fromJson(JSON.parse(readFileSync(new URL("../../vectors/chain.json", import.meta.url), "utf8")));
    const half = (handler: DueHandler): DueHandler => (context, id, payouts) => {
      handler(context, id, payouts);
      throw new Error("a bug");
    };
    const { book, contract, node, proposal, solution } = DUE_HANDLERS;
    const buggy = createRuntime({ due: { book: half(book), contract: half(contract), node: half(node), proposal: half(proposal), solution: half(solution) } });
    const storage = memoryStorage();
    const hashes = [...carryOutBlocks({ runtime: buggy, storage, chain })].map(({ appHash }) => appHash);
    expect(buggy.queries(openState(storage)).failedWork().length).toBeGreaterThan(0);
    expect(hashes.at(-1)).not.toBe(chain.blocks.at(-1)?.appHash);
    expect(await throughComet(chain, buggy)).toEqual(hashes);
  });
});

describe("a chain that is made now", () => {
  it("by random users, recorded in memory: both engines agree with it", async () => {
    const chain = recordHistory({ randomBlocks: 12, seed: Number(process.env["TFGRID_SEED"] ?? 77) });
    expect(replay({ runtime, storage: memoryStorage(), chain })).toBe(chain.blocks.length);
    expect(await throughComet(chain)).toEqual(hashesOf(chain));
  });

  it("by the solo engine itself: CometBFT's application comes to the same hash at every height", async () => {
    const chain = await soloChain();
    expect(chain.blocks.length).toBeGreaterThan(10);
    expect(chain.blocks.some(({ txs }) => txs.length > 1)).toBe(true);
    expect(await throughComet(chain)).toEqual(hashesOf(chain));
    expect(replay({ runtime, storage: memoryStorage(), chain })).toBe(chain.blocks.length);
  });

  it("and a crash between FinalizeBlock and Commit changes nothing", async () => {
    const chain = recordHistory({ randomBlocks: 3, seed: 5 });
    const storage = memoryStorage();
    let driver = new CometDriver({ runtime, chain, storage });
    for (const block of chain.blocks) {
      if (block.height % 3 === 0) {
        // Carried out, and lost: the program starts again on what was committed.
        await driver.block(block, false);
        driver = new CometDriver({ runtime, chain, storage });
      }
      expect(await driver.block(block)).toBe(block.appHash);
    }
  });
});

/** People, a farm and a node in the real engine, by its own clock. */
async function soloChain(): Promise<RecordedChain> {
  const chainId = "equivalence";
  const people = ["farmer", "user", "agent", "other"];
  const accounts = people.map((name) => ({ id: accountOf(name), freeUnits: 10n ** 12n }));
  const validators = [{ publicKey: accountOf("validator"), power: 1 }];
  const genesis = defaultGenesis({ chainId, foundation: accountOf("foundation"), validatorsPool: accountOf("pool"), accounts, validators, params: { heartbeatIntervalMs: 1_000, settlementIntervalMs: 1_000 } });
  const storage = memoryStorage();
  const authority = keyOf("authority");
  const json = genesisToJson(genesis);
  const failures: unknown[] = [];
  const onFatal = (error: unknown): void => void failures.push(error);
  const engine = solo({ storage, runtime, chainId, genesis, genesisHash: genesisHashOf(json, authority.account), authority, clock: systemClock, logger: silentLogger, blockIntervalMs: 1, onFatal });
  const genesisAppHash = engine.head().appHash;
  const blocks = recordBlocks(engine, new BlockStore(storage, 1_000_000));
  const nonces = new Map<string, number>();
  const submit = async (name: string, ...calls: Call[]): Promise<void> => {
    const nonce = nonces.get(name) ?? 0;
    nonces.set(name, nonce + 1);
    const body = { chainId, signer: accountOf(name), nonce, expiresAtHeight: transactionBody.fields.expiresAtHeight.fromCbor(1_000_000), calls };
    await engine.submit(encode(signedTransaction, { body, signature: keyOf(name).sign("tfgrid/tx/v1", encode(transactionBody, body)) }));
  };
  await Promise.all(people.map((name) => submit(name, twinCall(name))));
  await submit("farmer", { type: "farms.create", name: "farm", dedicated: false });
  for (let round = 0; round < 12; round += 1) {
    const gift = (to: string): Call => ({ type: "accounts.transfer", to: accountOf(to), amountUnits: BigInt(round + 1) });
    await Promise.all([...people.map((name) => submit(name, gift("heir"))), submit("user", gift("pool"), gift("agent"))]);
  }
  // Refused in the block, and part of it all the same.
  await submit("other", { type: "nodes.register", joinToken: { chainId, farmId: 1 as never, expiresAtMs: 1, signature: "00".repeat(64) as never }, ...PROFILE }).catch(() => undefined);
  await engine.stop();
  expect(failures).toEqual([]);
  return { genesis: json, genesisAppHash, blocks };
}
