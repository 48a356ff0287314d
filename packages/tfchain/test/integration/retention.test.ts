/** Old blocks and slow readers. */
import { connect } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasCode } from "@tfgrid/primitives";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RunningChain, connectChain, runtime, startChain, testing } from "../../src/index.ts";
import { httpTransport } from "../../src/client/transport.ts";
import { RPC_LIMITS } from "../../src/limits.ts";

const authority = testing.testKey("authority");
const trust = { chainId: "retention", authority: authority.account };
const alice = testing.testKey("alice");
let folder = "";
let chain: RunningChain;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tfgrid-retention-"));
  const accounts = [{ id: alice.account, freeUnits: 10n ** 15n }];
  const genesis = runtime.defaultGenesis({ chainId: trust.chainId, foundation: authority.account, validatorsPool: testing.testKey("v").account, accounts });
  chain = await startChain({ dataDir: folder, genesis, authority, blockIntervalMs: 1, retainedBlocks: 10 });
});
afterEach(async () => {
  await chain.stop();
  rmSync(folder, { recursive: true, force: true });
});

const transfer = { type: "accounts.transfer" as const, to: testing.testKey("sink").account, amountUnits: 1n };

describe("pruning", () => {
  test("keeps the newest blocks only, and says where to follow from", async () => {
    const client = connectChain({ url: chain.endpoints.rpc, trust });
    const first = await client.submit(alice, [transfer]);
    for (let index = 0; index < 15; index += 1) await client.submit(alice, [transfer]);
    const { call } = httpTransport(chain.endpoints.rpc);
    const { height } = await client.head();
    expect(await call("tx.get", { hash: first.hash })).toBeNull();
    await expect(call("block.get", { height: first.height })).rejects.toSatisfy((error) => hasCode(error, "chain.height_pruned"));
    expect((await call("block.get", { height })).signedHeader.header.height).toBe(height);
    const follow = client.follow({ from: first.height, signal: AbortSignal.timeout(60_000) });
    await expect(follow[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "chain.height_pruned",
      details: { firstRetainedHeight: chain.engine.firstRetainedHeight() },
    });
    await client.close();
  });
});

describe("a reader that does not read", () => {
  test("is cut off, and the chain goes on", async () => {
    const { port } = new URL(chain.endpoints.rpc);
    const socket = connect(Number(port), "127.0.0.1");
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => undefined);
    socket.write("GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    socket.pause();
    // Many large answers, asked for in small masked frames: nobody takes them.
    const text = Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "rpc.discover" }));
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
    const sizes = (await (await fetch(chain.endpoints.rpc, { method: "POST", body: text })).text()).length;
    const needed = Math.ceil((RPC_LIMITS.unreadBytes * 4) / sizes);
    for (let index = 0; index < needed; index += 1) socket.write(frame);
    // The kernel's buffers empty only when we read again, and then we see that the server has gone.
    socket.resume();
    await ended;
    const client = connectChain({ url: chain.endpoints.rpc });
    await expect(client.submit(alice, [transfer])).resolves.toMatchObject({ events: [{ type: "accounts.transferred" }] });
    await client.close();
  });
});
