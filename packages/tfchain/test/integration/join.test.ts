/** Who asks to join believes a server nothing that it cannot prove. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type Hex, type JsonValue, systemClock } from "@tfgrid/primitives";
import { askToJoin, genesisHashOf, light, newChain, runtime } from "../../src/index.ts";
import { testKey } from "../../src/testing.ts";
import { CHAIN_ID, type Member, makeChain, member } from "../support/comet-chain.ts";

const MEMBERS = ["a", "b", "c", "d"].map((name) => member(name));
const STRANGERS = ["w", "x", "y", "z"].map((name) => member(name));
const GENESIS_MS = Date.now() - 10_000;
const PEER = `${"a".repeat(40)}@10.0.0.1:26656`;

function genesisOf(members: readonly Member[]): ReturnType<typeof runtime.defaultGenesis> {
  const validators = members.map(({ key, power }) => ({ publicKey: key.account, power: Number(power) }));
  return runtime.defaultGenesis({ chainId: CHAIN_ID, foundation: testKey("f").account, validatorsPool: testKey("p").account, accounts: [], validators });
}

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

interface Shown {
  readonly genesis?: string;
  readonly members?: readonly Member[];
  readonly peers?: readonly string[];
}

/** A server that shows this genesis, and headers that these members signed. */
async function serve({ genesis = JSON.stringify(runtime.genesisToJson(genesisOf(MEMBERS))), members = MEMBERS, peers = [PEER] }: Shown): Promise<string> {
  const chain = makeChain({ heights: 5, membersAt: () => members, genesisMs: GENESIS_MS });
  const header = (height = 5): JsonValue => light.signedHeader.toJson(chain[height - 1] as light.SignedHeader);
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
    const { id, method, params } = JSON.parse(text) as { id: number; method: string; params: { height?: number } };
    const result = method === "chain.invitation" ? { genesis, genesisTimeMs: 1, peers } : header(params.height);
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const GENESIS_HASH = genesisHashOf(runtime.genesisToJson(genesisOf(MEMBERS)), "cometbft");
const ask = async (shown: Shown, more: Partial<Parameters<typeof askToJoin>[0]> = {}) => askToJoin({ urls: [await serve(shown)], clock: systemClock, ...more });

test("begins with the newest block that the genesis' validators signed, at two servers at least", async () => {
  const joining = await ask({}, { genesisHash: GENESIS_HASH });
  expect(joining).toMatchObject({ genesisHash: GENESIS_HASH, genesisTimeMs: 1, peers: [PEER], stateSync: { trustHeight: 5 } });
  expect(joining.stateSync.rpcServers).toHaveLength(2);
  expect(joining.stateSync.rpcServers[0]).toMatch(/\/comet$/);
  expect(joining.trust).toEqual(newChain.trustInValidators(CHAIN_ID, genesisOf(MEMBERS).validators ?? []));
});

test("leaves out a server that is away, and does not begin where two servers show two blocks", async () => {
  const [good, away] = [await serve({}), "http://127.0.0.1:1"];
  const { stateSync } = await askToJoin({ urls: [good, away, await serve({})], clock: systemClock });
  expect(stateSync.rpcServers).toHaveLength(2);
  expect(stateSync.rpcServers.some((url) => url.startsWith(away))).toBe(false);
  const fork = askToJoin({ urls: [good, await serve({ members: STRANGERS })], clock: systemClock });
  await expect(fork).rejects.toMatchObject({ code: "light.fork_detected", details: { height: 5 } });
});

test("another genesis than the one that is known is refused", async () => {
  const genesis = JSON.stringify(runtime.genesisToJson(genesisOf(STRANGERS)));
  await expect(ask({ genesis, members: STRANGERS }, { genesisHash: GENESIS_HASH })).rejects.toMatchObject({ code: "chain.genesis_mismatch" });
});

test("headers that others signed than those who are believed are refused, whichever genesis is shown with them", async () => {
  const trust = newChain.trustInValidators(CHAIN_ID, genesisOf(MEMBERS).validators ?? []);
  await expect(ask({ members: STRANGERS })).rejects.toMatchObject({ code: expect.stringMatching(/^light\./) as string });
  const genesis = JSON.stringify(runtime.genesisToJson(genesisOf(STRANGERS)));
  await expect(ask({ genesis, members: STRANGERS }, { trust })).rejects.toMatchObject({ code: expect.stringMatching(/^light\./) as string });
});

test("a block that somebody trustworthy named is the beginning; a server without it is refused", async () => {
  const { stateSync } = await ask({});
  const trust = { height: stateSync.trustHeight as never, hash: stateSync.trustHash };
  expect((await ask({}, { trust })).trust).toEqual({ chainId: CHAIN_ID, ...trust });
  await expect(ask({}, { trust: { height: 3 as never, hash: "0".repeat(64) as Hex } })).rejects.toMatchObject({ code: expect.stringMatching(/^light\./) as string });
});

test.each([{ genesis: "{" }, { genesis: "{}" }, { peers: ['x@y:1",\nproxy_app = "tcp://evil'] }])("an answer of the wrong form is refused: %j", async (shown) => {
  await expect(ask(shown)).rejects.toMatchObject({ code: expect.stringMatching(/^(light\.bad_answer|genesis\.invalid)$/) as string });
});
