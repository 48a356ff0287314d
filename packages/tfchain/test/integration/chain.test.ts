/** The chain end to end through its RPC and client: every answer here went over a socket. */
import { type Hex, UNITS_PER_TFT, bytesToHex, encode, hasCode, keyPairFromSeed } from "@tfgrid/primitives";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { chain as types, connectChain, light, testing } from "../../src/index.ts";
import { RPC_LIMITS } from "../../src/limits.ts";

let grid: testing.TestChain;
beforeAll(async () => {
  grid = await testing.startTestChain({ blockIntervalMs: 5 });
});
afterAll(() => grid.stop());

const post = async (body: string): Promise<{ status: number; json: { result?: unknown; error?: { code: number; data: { code: string; cure: string } } } }> => {
  const response = await fetch(grid.url, { method: "POST", body });
  return { status: response.status, json: (await response.json()) as never };
};
const call = (method: string, params: unknown = {}) => post(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));

const transfer = (to: string, units: bigint) => ({ type: "accounts.transfer" as const, to: testing.testKey(to).account, amountUnits: units });

async function signedTransfer(from: string, options: { nonce?: number; signature?: Hex } = {}): Promise<Uint8Array> {
  const key = grid.key(from);
  const { nonce = (await grid.client.account(key.account)).nonce } = options;
  const { height, chainId } = await grid.client.head();
  const body = { chainId, signer: key.account, nonce, expiresAtHeight: (height + 100) as typeof height, calls: [transfer("bob", 1n)] };
  const signature = options.signature ?? key.sign("tfgrid/tx/v1", encode(types.transactionBody, body));
  return encode(types.signedTransaction, { body, signature });
}

describe("client", () => {
  test("submits, waits until final and reads what it did", async () => {
    const before = await grid.client.account(testing.testKey("zoe").account);
    const receipt = await grid.client.submit(grid.key("alice"), [transfer("zoe", 5n * UNITS_PER_TFT)]);
    expect(receipt.events).toContainEqual({
      type: "accounts.transferred",
      from: grid.key("alice").account,
      to: testing.testKey("zoe").account,
      amountUnits: 5n * UNITS_PER_TFT,
    });
    expect(receipt.feeUnits).toBeGreaterThan(0n);
    expect((await grid.client.account(testing.testKey("zoe").account)).freeUnits - before.freeUnits).toBe(5n * UNITS_PER_TFT);
    expect((await grid.client.head()).height).toBeGreaterThanOrEqual(receipt.height);
  });

  test("concurrent submissions of one key, and of two clients with one key, all become final", async () => {
    const second = connectChain({ url: grid.url });
    const key = grid.key("carol");
    const receipts = await Promise.all(
      Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? grid.client : second).submit(key, [transfer("bob", BigInt(index + 1))])),
    );
    expect(new Set(receipts.map(({ hash }) => hash)).size).toBe(12);
    expect((await second.account(key.account)).nonce).toBe(12);
    await second.close();
  });

  test("a refusal is the ledger's own error, and the key can go on", async () => {
    const key = grid.key("dave");
    await expect(grid.client.submit(key, [transfer("bob", 10n ** 17n)])).rejects.toSatisfy((error) => hasCode(error, "accounts.insufficient_balance"));
    await expect(grid.client.submit(key, [transfer("bob", 1n)])).resolves.toMatchObject({ events: [{ type: "accounts.transferred" }] });
  });

  test("answers undefined for what does not exist, and lists what does", async () => {
    expect(await grid.client.twin(999 as never)).toBeUndefined();
    expect(await grid.client.farmByName("nowhere")).toBeUndefined();
    await grid.client.submit(grid.key("farmer"), [{ type: "twins.create", relays: [], encryptionKey: grid.key("farmer").encryptionKey }]);
    const twin = await grid.client.twinByAccount(grid.key("farmer").account);
    expect(await grid.client.twins()).toContainEqual(twin);
  });

  test("proven reads: presence and absence against the signed header", async () => {
    await grid.client.submit(grid.key("agent"), [{ type: "twins.create", relays: [], encryptionKey: grid.key("agent").encryptionKey }]);
    const twin = await grid.client.twinByAccount(grid.key("agent").account);
    expect(await grid.client.proven.twin(twin?.id as never)).toEqual(twin);
    expect(await grid.client.proven.solution(123 as never)).toBeUndefined();
    const stranger = connectChain({ url: grid.url, trust: { ...grid.trust, authority: testing.testKey("mallory").account } });
    await expect(stranger.proven.twin(twin?.id as never)).rejects.toSatisfy((error) => hasCode(error, "light.wrong_chain"));
    await stranger.close();
  });

  test("says that the ledger cannot be reached, and what to do", async () => {
    const lost = connectChain({ url: "http://127.0.0.1:9" });
    await expect(lost.head()).rejects.toMatchObject({ code: "chain.unreachable", cure: expect.stringContaining("chain runs") as string });
    await lost.close();
  });
});

describe("transactions", () => {
  test("the same bytes again get the same answer; another one with a used number is refused", async () => {
    const tx = bytesToHex(await signedTransfer("alice"));
    const first = await call("tx.submit", { tx });
    const again = await call("tx.submit", { tx: Buffer.from(tx, "hex").toString("base64") });
    expect(again.json.result).toEqual(first.json.result);
    const replay = await call("tx.submit", { tx: bytesToHex(await signedTransfer("alice", { nonce: 0 })) });
    expect(replay.json.error?.data.code).toBe("tx.bad_nonce");
  });

  test("a wrong signature is refused and takes nothing", async () => {
    const before = await grid.client.account(grid.key("bob").account);
    const answer = await call("tx.submit", { tx: bytesToHex(await signedTransfer("bob", { signature: "ab".repeat(64) as Hex })) });
    expect(answer.json.error?.data.code).toBe("tx.bad_signature");
    expect(await grid.client.account(grid.key("bob").account)).toEqual(before);
  });

  test("bytes that are no transaction are refused by code", async () => {
    expect((await call("tx.submit", { tx: "a2" })).json.error?.data.code).toBe("codec.not_canonical");
    expect((await call("tx.submit", { tx: "00".repeat(300_000) })).json.error?.data.code).toBe("codec.too_large");
  });

  test("an account without money is told so", async () => {
    const poor = keyPairFromSeed(new Uint8Array(32).fill(77));
    await expect(grid.client.submit(poor, [transfer("bob", 1n)])).rejects.toSatisfy((error) => hasCode(error, "tx.insufficient_balance"));
  });
});

describe("headers", () => {
  test("form a signed chain from the genesis to the head", async () => {
    const { height } = await grid.client.head();
    let parent = "00".repeat(32);
    let timeMs = 0;
    for (let at = 0; at <= height; at += 1) {
      const { json } = await call("block.get", { height: at });
      const block = json.result as { signedHeader: unknown; hash: string; txs: string[] };
      const signed = light.signedHeader.fromJson(block.signedHeader);
      light.verifyHeader(signed, grid.trust);
      if (signed.type !== "solo") throw new Error("this chain is made by solo");
      expect(signed.header.parentHash).toBe(parent);
      expect(signed.header.timeMs).toBeGreaterThanOrEqual(timeMs);
      expect(signed.header.txsRoot).toBe(bytesToHex(light.listRoot(block.txs.map((hash) => Buffer.from(hash, "hex")))));
      parent = light.headerHash(signed.header);
      timeMs = signed.header.timeMs;
    }
    expect((await call("block.get", { height: height + 1_000 })).json.error?.data.code).toBe("chain.height_unknown");
  });
});

describe("requests that are wrong", () => {
  test.each([
    ["{", 400, "rpc.parse_error"],
    ["[]", 400, "rpc.invalid_request"],
    [`[${Array.from({ length: 101 }, () => "{}").join(",")}]`, 400, "rpc.too_many_requests"],
    ["7", 200, "rpc.invalid_request"],
    [JSON.stringify({ jsonrpc: "2.0", id: 1, method: "nothing" }), 200, "rpc.unknown_method"],
    [JSON.stringify({ jsonrpc: "2.0", id: 1, method: "twin", params: { id: "1" } }), 200, "rpc.invalid_params"],
    [JSON.stringify({ jsonrpc: "2.0", id: 1, method: "twin", params: { id: 1, more: 1 } }), 200, "rpc.invalid_params"],
    [JSON.stringify({ jsonrpc: "2.0", id: 1, method: "twins", params: { limit: 1_001 } }), 200, "rpc.invalid_params"],
    [JSON.stringify({ jsonrpc: "2.0", id: 1, method: "events.follow" }), 200, "rpc.websocket_only"],
  ])("%s", async (body, status, code) => {
    const answer = await post(body);
    expect(answer.status).toBe(status);
    expect(answer.json.error?.data.code).toBe(code);
    expect(answer.json.error?.data.cure).not.toBe("");
  });

  test("an oversized body is refused without being read", async () => {
    // The server may close before the client has written all: then the client sees a torn connection instead of the answer.
    const outcome = await post("x".repeat(RPC_LIMITS.bodyBytes + 1)).then(
      ({ status, json }) => `${status} ${json.error?.data.code}`,
      () => "closed",
    );
    expect(["413 rpc.too_large", "closed"]).toContain(outcome);
    expect((await call("head")).status).toBe(200);
  });

  test("other paths are coded, health and discovery answer", async () => {
    expect((await (await fetch(`${grid.url}/nowhere`)).json()) as unknown).toMatchObject({ error: { data: { code: "rpc.not_found" } } });
    expect((await (await fetch(`${grid.url}/health`)).json()) as unknown).toMatchObject({ ok: true, chainId: "test-grid" });
    const discovered = (await call("rpc.discover")).json.result as { methods: { name: string }[] };
    expect(discovered.methods.map(({ name }) => name)).toEqual(expect.arrayContaining(["head", "tx.submit", "events.follow", "rpc.discover"]));
  });

  test("over WebSocket: malformed text is coded, an oversized message ends the connection", async () => {
    const socket = new WebSocket(grid.chain.endpoints.ws);
    await new Promise((resolve) => socket.once("open", resolve));
    const answer = new Promise<string>((resolve) => socket.once("message", (data: Buffer) => resolve(data.toString())));
    socket.send("{");
    expect(JSON.parse(await answer)).toMatchObject({ error: { data: { code: "rpc.parse_error" } } });
    const closed = new Promise<number>((resolve) => socket.once("close", resolve));
    socket.send("x".repeat(RPC_LIMITS.bodyBytes + 1));
    expect(await closed).toBe(1009);
  });
});
