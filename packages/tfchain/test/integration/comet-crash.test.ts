/** One validator under CometBFT: the ledger's own client, and `kill -9` of either program under load. */
import { bytesToHex, encode, hasCode, isGridError } from "@tfgrid/primitives";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chain as types, connectChain, light, newChain, testing } from "../../src/index.ts";
import { httpTransport } from "../../src/client/transport.ts";
import { COMET_CHAIN_ID, CometProgram } from "../support/comet-program.ts";

const SENDERS = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"] as const;
const sink = testing.testKey("sink").account;
/** Answers that tell nothing about the transaction: the program was killed, or had just begun again. */
const LOST = ["chain.unreachable", "chain.stopped", "chain.catching_up", "cometbft.not_answering"] as const;

let program: CometProgram;
beforeEach(async () => {
  program = new CometProgram({ rich: SENDERS });
  await program.prepare();
});
afterEach(() => program.remove());

const trust = () => newChain.trustInValidators(COMET_CHAIN_ID, program.genesis.validators ?? []);
const client = () => connectChain({ url: program.url, trust: trust() });
const call = () => httpTransport(program.url).call;

function transfer(name: string, nonce: number): string {
  const key = testing.testKey(name);
  const calls = [{ type: "accounts.transfer" as const, to: sink, amountUnits: 1n }];
  const body = { chainId: COMET_CHAIN_ID, signer: key.account, nonce, expiresAtHeight: 1_000_000 as never, calls };
  return bytesToHex(encode(types.signedTransaction, { body, signature: key.sign("tfgrid/tx/v1", encode(types.transactionBody, body)) }));
}

/** Each transaction once, so that only a real answer counts as an acknowledgement. */
async function loadUntilDead(acknowledged: string[]): Promise<void> {
  await Promise.all(
    SENDERS.map(async (name) => {
      let { nonce } = await call()("account", { id: testing.testKey(name).account });
      for (;;) {
        try {
          acknowledged.push((await call()("tx.submit", { tx: transfer(name, nonce) })).hash);
        } catch (error) {
          if (LOST.some((code) => hasCode(error, code))) return;
          throw error;
        }
        nonce += 1;
      }
    }),
  );
}

/** Every block is there with its signatures, and names the one before. */
async function verifyBlocks(from: number): Promise<number> {
  const { height } = await call()("header.get", {}).then(light.factsOf);
  const blocks = await Promise.all(Array.from({ length: height - from + 1 }, (_, index) => call()("block.get", { height: (from + index) as never })));
  const headers = blocks.map(({ signedHeader }) => signedHeader as light.CometHeaderProof);
  expect(headers.slice(1).map(({ header }) => header.lastBlockId.hash)).toEqual(headers.slice(0, -1).map((signed) => light.factsOf(signed).hash));
  return height;
}

describe("a chain under CometBFT", () => {
  test("serves the ledger's client as solo does: writes, reads, proofs, events", async () => {
    await program.start();
    const chain = client();
    const stop = new AbortController();
    const heights: number[] = [];
    const following = (async () => {
      for await (const block of chain.follow({ from: 1 as never, signal: stop.signal })) heights.push(block.height);
    })();
    const key = testing.testKey("s1");
    const receipt = await chain.submit(key, [{ type: "twins.create", relays: [], encryptionKey: key.account as never }]);
    // Right after the answer: the proof of the newest state waits for the block that signs it.
    const twin = await chain.proven.twinByAccount(key.account);
    expect(twin).toMatchObject({ account: key.account });
    expect(await chain.twin(twin?.id as never)).toEqual(twin);
    await expect(chain.submit(testing.testKey("nobody"), [{ type: "accounts.transfer", to: sink, amountUnits: 1n }])).rejects.toThrow(expect.objectContaining({ code: "tx.insufficient_balance" }));
    await expect(chain.submit(key, [{ type: "farms.delete", farmId: 9 as never }])).rejects.toThrow(expect.objectContaining({ code: "farms.not_found" }));
    await expect.poll(() => heights.includes(receipt.height)).toBe(true);
    stop.abort();
    await following;
    expect(await call()("chain.status", {})).toMatchObject({ engine: "cometbft", catchingUp: false, stalledSinceMs: null, validators: 1 });
    await chain.close();
    expect(await program.end("SIGTERM")).toBe(0);
  });

  test("kill -9 of the ledger and of cometbft in turn: nothing that was acknowledged is lost, and the chain goes on from where it was", async () => {
    const acknowledged: string[] = [];
    for (const victim of ["ledger", "cometbft", "ledger"] as const) {
      await program.start();
      const before = acknowledged.length;
      const load = loadUntilDead(acknowledged);
      await expect.poll(() => acknowledged.length - before, { interval: 1 }).toBeGreaterThan(40 + Math.floor(Math.random() * 40));
      const ended = program.ended();
      process.kill(victim === "ledger" ? program.pid : program.cometPid, "SIGKILL");
      // The ledger does not outlive its cometbft: it ends with an error, for a supervisor to start both anew.
      expect(await ended).toBe(victim === "ledger" ? "SIGKILL" : 1);
      await load;
    }
    await program.start();
    const results = await Promise.all(acknowledged.map((hash) => call()("tx.get", { hash: hash as never })));
    expect(results.map((result) => result?.ok === true && result.hash)).toEqual(acknowledged);
    const nonces = await Promise.all(SENDERS.map(async (name) => (await call()("account", { id: testing.testKey(name).account })).nonce));
    const included = nonces.reduce((sum, nonce) => sum + nonce, 0);
    expect((await call()("account", { id: sink })).freeUnits).toBe(BigInt(included));
    expect(included).toBeGreaterThanOrEqual(acknowledged.length);
    expect(await verifyBlocks(1)).toBeGreaterThan(6);
    const chain = client();
    expect(await chain.proven.twin(1 as never)).toBeUndefined();
    await chain.close();
  });

  test("refuses to go on with another genesis, and says so", async () => {
    await program.start();
    expect(await program.end("SIGTERM")).toBe(0);
    program.changeGenesis({ ...program.genesis, params: { ...program.genesis.params, maxCallsPerTx: 9 } });
    const failure: unknown = await program.start().catch((error: unknown) => error);
    expect(isGridError(failure) ? "" : String(failure)).toContain("chain.genesis_mismatch");
  });
});
