/** `kill -9` under load: what was acknowledged is there, and the chain of headers goes on from where it was. */
import { type AccountId, type GridError, bytesToHex, encode, hasCode, isGridError } from "@tfgrid/primitives";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Receipt, chain as types, connectChain, light, startChain, testing } from "../../src/index.ts";
import { httpTransport } from "../../src/client/transport.ts";
import { AUTHORITY, CHAIN_ID, Program } from "../support/program.ts";

const SENDERS = ["s1", "s2", "s3", "s4", "s5", "s6"] as const;
const TRUST = { chainId: CHAIN_ID, authority: AUTHORITY.account };
const sink = testing.testKey("sink").account;

let program: Program;
beforeEach(() => {
  program = new Program({ rich: SENDERS });
});
afterEach(() => program.remove());

/** Signs by hand and asks once, so that only a real answer counts as an acknowledgement. */
async function sendOnce(name: string, nonce: number): Promise<string> {
  const key = testing.testKey(name);
  const calls = [{ type: "accounts.transfer" as const, to: sink, amountUnits: 1n }];
  const body = { chainId: CHAIN_ID, signer: key.account, nonce, expiresAtHeight: 1_000_000 as never, calls };
  const tx = encode(types.signedTransaction, { body, signature: key.sign("tfgrid/tx/v1", encode(types.transactionBody, body)) });
  return (await httpTransport(program.url).call("tx.submit", { tx: bytesToHex(tx) })).hash;
}

async function loadUntilDead(acknowledged: { name: string; hash: string }[]): Promise<void> {
  await Promise.all(
    SENDERS.map(async (name) => {
      const reader = httpTransport(program.url);
      let { nonce } = await reader.call("account", { id: testing.testKey(name).account });
      for (;;) {
        try {
          acknowledged.push({ name, hash: await sendOnce(name, nonce) });
        } catch (error) {
          if (hasCode(error, "chain.unreachable")) return;
          throw error;
        }
        nonce += 1;
      }
    }),
  );
}

async function verifyHeaders(): Promise<number> {
  const call = httpTransport(program.url).call;
  const { height } = await call("head", {});
  let parent = "00".repeat(32);
  for (let at = 0; at <= height; at += 1) {
    const { signedHeader } = await call("block.get", { height: at as never });
    light.verifyHeader(signedHeader, TRUST);
    if (signedHeader.type !== "solo") throw new Error("this chain is made by solo");
    expect(signedHeader.header.parentHash).toBe(parent);
    parent = light.headerHash(signedHeader.header);
  }
  return height;
}

describe("kill -9", () => {
  test("three times under load: every acknowledged transaction is there, once, and proofs meet the head", async () => {
    const acknowledged: { name: string; hash: string }[] = [];
    let height = 0;
    for (let round = 0; round < 3; round += 1) {
      await program.start();
      const before = acknowledged.length;
      const load = loadUntilDead(acknowledged);
      await expect.poll(() => acknowledged.length - before, { interval: 1 }).toBeGreaterThan(60 + 25 * round);
      expect(await program.end("SIGKILL")).toBe("SIGKILL");
      await load;
    }
    await program.start();
    const call = httpTransport(program.url).call;
    for (const { hash } of acknowledged) expect(await call("tx.get", { hash: hash as never })).toMatchObject({ ok: true, hash });
    const nonces = await Promise.all(SENDERS.map(async (name) => (await call("account", { id: testing.testKey(name).account })).nonce));
    const included = nonces.reduce((sum, nonce) => sum + nonce, 0);
    expect((await call("account", { id: sink })).freeUnits).toBe(BigInt(included));
    expect(included).toBeGreaterThanOrEqual(acknowledged.length);
    height = await verifyHeaders();
    expect(height).toBeGreaterThan(3);
    const client = connectChain({ url: program.url, trust: TRUST });
    expect(await client.proven.twin(1 as never)).toBeUndefined();
    await client.close();
    expect(await program.end("SIGTERM")).toBe(0);
  });

  test("the client submits over a crash without losing or doubling anything", async () => {
    await program.start();
    const client = connectChain({ url: program.url, trust: TRUST });
    const send = async (name: string): Promise<Receipt[]> => {
      const receipts: Receipt[] = [];
      for (let index = 0; index < 30; index += 1) {
        receipts.push(await client.submit(testing.testKey(name), [{ type: "accounts.transfer", to: sink, amountUnits: 1n }]));
      }
      return receipts;
    };
    const sending = Promise.all(SENDERS.slice(0, 3).map(send));
    const half = async (): Promise<number> => (await client.account(testing.testKey("s1").account)).nonce;
    await expect.poll(half, { interval: 2 }).toBeGreaterThan(8);
    await program.end("SIGKILL");
    await program.start();
    const receipts = (await sending).flat();
    expect(new Set(receipts.map(({ hash }) => hash)).size).toBe(90);
    expect((await client.account(sink as AccountId)).freeUnits).toBe(90n);
    await client.close();
  });
});

describe("follow", () => {
  test("resumes over a killed server: every block once, in order, without gaps", async () => {
    await program.start();
    const client = connectChain({ url: program.url, trust: TRUST });
    const stop = new AbortController();
    const heights: number[] = [];
    let transfers = 0;
    const following = (async () => {
      for await (const block of client.follow({ from: 0 as never, signal: stop.signal })) {
        heights.push(block.height);
        transfers += block.events.filter((event) => event.type === "accounts.transferred").length;
      }
    })();
    const submit = () => client.submit(testing.testKey("s1"), [{ type: "accounts.transfer", to: sink, amountUnits: 1n }]);
    for (let index = 0; index < 10; index += 1) await submit();
    await program.end("SIGKILL");
    const late = submit();
    await program.start();
    await late;
    for (let index = 0; index < 10; index += 1) await submit();
    await expect.poll(() => transfers).toBe(21);
    stop.abort();
    await following;
    expect(heights).toEqual([...new Set(heights)].sort((a, b) => a - b));
    expect(transfers).toBe(21);
    await client.close();
  });
});

describe("data folder", () => {
  const open = (overrides: Partial<Parameters<typeof startChain>[0]> = {}) => {
    const accounts = [{ id: testing.testKey("s1").account, freeUnits: 1n }];
    const genesis = { foundation: testing.testKey("f").account, validatorsPool: testing.testKey("v").account, accounts };
    return { dataDir: `${program.folder}/other`, authority: AUTHORITY, genesisOf: genesis, ...overrides };
  };

  test("belongs to one genesis, one authority and one process", async () => {
    const { runtime } = await import("../../src/index.ts");
    const { genesisOf, ...base } = open();
    const genesis = runtime.defaultGenesis({ chainId: "one", ...genesisOf });
    const codeOf = (error: unknown): string => (isGridError(error) ? (error as GridError).code : String(error));
    const first = await startChain({ ...base, genesis });
    await expect(startChain({ ...base, genesis }).catch((error: unknown) => codeOf(error))).resolves.toBe("chain.data_locked");
    await first.stop();
    const changed = { ...genesis, params: { ...genesis.params, maxCallsPerTx: 9 } };
    await expect(startChain({ ...base, genesis: changed }).catch(codeOf)).resolves.toBe("chain.genesis_mismatch");
    await expect(startChain({ ...base, genesis, authority: testing.testKey("x") }).catch(codeOf)).resolves.toBe("chain.genesis_mismatch");
    const again = await startChain({ ...base, genesis: JSON.parse(JSON.stringify(runtime.genesisToJson(genesis))) as unknown });
    await again.stop();
  });
});
