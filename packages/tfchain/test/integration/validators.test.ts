/**
 * Four validators on four machines, and what befalls them, while clients write all the time. At the end every server has the
 * same block at every height, and every acknowledged transaction is in it.
 */
import { randomInt } from "node:crypto";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Hex, bytesToHex, encode, hasCode, isGridError, sha256, utf8 } from "@tfgrid/primitives";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { httpTransport } from "../../src/client/transport.ts";
import { type EngineStatus, chain as types, connectChain, findCometBft, testing } from "../../src/index.ts";
import { type Validator, ValidatorNet } from "../support/validators.ts";
import { Writers } from "../support/writers.ts";

const SENDERS = ["s1", "s2", "s3", "s4"].map((name) => testing.testKey(name));
const SINK = testing.testKey("sink");
const GOVERNORS = ["g1", "g2"].map((name) => testing.testKey(name));
/** TFGRID_TEST_SEED repeats a run's choices; which instant they fall on is the machine's. */
const SEED = process.env["TFGRID_TEST_SEED"] ?? String(randomInt(2 ** 32));
let drawn = 0;
const randomBytes = (length: number): Uint8Array => {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, () => sha256(utf8(`${SEED}/${(drawn += 1)}`)));
  return Buffer.concat(blocks).subarray(0, length);
};
const pick = (count: number): number => Buffer.from(randomBytes(4)).readUInt32BE() % count;

/** A validator that is no faster than this is not catching up but stuck. */
const PATIENCE_MS = 120_000;

const available = (await findCometBft()) !== undefined;
if (!available) process.stderr.write("CometBFT is not on this machine: the tests of four validators are left out (node tools/setup.mjs --system --tests).\n");

let net: ValidatorNet;
let writers: Writers;
let begun = false;
const lost: string[] = [];

const call = (validator: Validator) => httpTransport(validator.url).call;
const status = (validator: Validator): Promise<EngineStatus> => call(validator)("chain.status", {});

async function until(what: string, holds: () => Promise<boolean>, patienceMs = PATIENCE_MS): Promise<void> {
  const deadlineMs = Date.now() + patienceMs;
  let last: unknown;
  while (Date.now() < deadlineMs) {
    const held = await holds().catch((error: unknown) => {
      last = error;
      return false;
    });
    if (held) return;
    await sleep(100);
  }
  throw new Error(`not within ${patienceMs} ms: ${what}`, { cause: last });
}

const heightOf = async (validator: Validator): Promise<number> => (await status(validator)).height;

/** Until this server has what the others had when the question was asked. */
async function caughtUp(validator: Validator, others: readonly Validator[]): Promise<void> {
  const heads = await Promise.all(others.map(heightOf));
  await until(`${validator.name} has block ${Math.max(...heads)}`, async () => (await heightOf(validator)) >= Math.max(...heads));
}

/** New transactions of the writers become final: the chain goes on. */
async function acknowledgedMore(count: number): Promise<void> {
  const before = writers.acknowledged.length;
  await until(`${count} more acknowledged transactions`, () => Promise.resolve(writers.acknowledged.length >= before + count));
}

async function during(what: string, work: () => Promise<void>): Promise<void> {
  const sinceMs = Date.now();
  await work();
  lost.push(`${what}: ${writers.longestPause(sinceMs).toFixed(1)} s`);
}

const others = (...without: readonly Validator[]): Validator[] => net.validators.filter((validator) => !without.includes(validator));

describe.skipIf(!available)("four validators", () => {
  beforeAll(async () => {
    net = new ValidatorNet({ count: 4, rich: [...SENDERS, ...GOVERNORS, testing.testKey("mallory")] });
    await Promise.all(net.validators.map((validator) => net.start(validator)));
    writers = new Writers({ access: net.access, keys: SENDERS, to: SINK });
    begun = true;
    await acknowledgedMore(4);
  });
  afterAll(async () => {
    if (begun) {
      process.stdout.write(`seed ${SEED}; longest time without an acknowledgement: ${lost.join(", ")}; refusals ${JSON.stringify(Object.fromEntries(writers.refusals))}\n`);
      await writers.stop();
    }
    await net.remove();
  });

  test("one sends garbage: each piece is refused with a code, and blocks go on", async () => {
    await during("garbage", async () => {
      await Promise.all([shoutAt(net.at(0)), shoutAt(net.at(1))]);
      const codes = await sendGarbage(net.at(0));
      expect(codes.filter((code) => code === undefined)).toEqual([]);
      await acknowledgedMore(8);
    });
  });

  test("one is killed and returns", async () => {
    const victim = net.at(pick(4));
    await during(`${victim.name} killed`, async () => {
      await net.kill(victim);
      await acknowledgedMore(10);
      await net.start(victim);
      await caughtUp(victim, others(victim));
    });
  });

  test("one is cut off, says that it stands still, and catches up", async () => {
    const victim = net.at(pick(4));
    await during(`${victim.name} cut off`, async () => {
      net.stage.isolate(victim.machine);
      await until(`${victim.name} says that it stands still`, async () => (await status(victim)).stalledSinceMs !== null);
      const [stuck, ...heads] = await Promise.all([victim, ...others(victim)].map(heightOf));
      expect(Math.min(...heads)).toBeGreaterThan(stuck ?? 0);
      net.stage.heal(victim.machine);
      await caughtUp(victim, others(victim));
      await until(`${victim.name} goes on`, async () => (await status(victim)).stalledSinceMs === null);
    });
  });

  test("with two of four gone the chain stands and says so; it goes on when they return", async () => {
    const gone = [net.at(0), net.at(2)];
    const rest = others(...gone);
    await during("two of four gone", async () => {
      await net.kill(...gone);
      for (const validator of rest) await until(`${validator.name} says that the chain stands`, async () => (await status(validator)).stalledSinceMs !== null);
      const heads = await Promise.all(rest.map(heightOf));
      await expect(submitOnce(net.at(1), testing.testKey("mallory"), 0)).rejects.toMatchObject({ code: "chain.no_quorum" });
      expect(await Promise.all(rest.map(heightOf))).toEqual(heads);
      await Promise.all(gone.map((validator) => net.start(validator)));
      await acknowledgedMore(8);
    });
  });

  test("a server that joins begins with a snapshot, and what it answers is proven", async () => {
    await during("one joined", async () => {
      const joined = await net.join("v5");
      await net.start(joined);
      await caughtUp(joined, net.validators);
      const { firstRetainedHeight } = await status(joined);
      expect(firstRetainedHeight).toBeGreaterThan(1);
      const client = connectChain({ urls: [joined.url], trust: net.access.trust });
      const { account } = SENDERS[0] ?? SINK;
      expect(await client.proven.account(account)).toMatchObject({ id: account });
      await client.close();
      net.validators.push(joined);
    });
  });

  test("governance makes it a validator, and whoever trusts the validators of the genesis can follow that", async () => {
    await during("validators changed", async () => {
      const joined = net.at(4);
      const key = net.keyOf(joined).account;
      const validators = [...(net.genesis.validators ?? []), { publicKey: key, power: 10 }];
      await decide({ type: "validators", validators });
      await until(`${joined.name} signs`, async () => (await signersOf(net.at(0))).includes(key));
      expect((await status(joined)).validators).toBe(5);
      const client = connectChain({ urls: [net.at(1).url], trust: net.access.trust });
      expect(await client.proven.account(SINK.account)).toMatchObject({ id: SINK.account });
      await client.close();
    });
  });

  test("all are killed at once and started again", async () => {
    await during("all killed", async () => {
      await net.kill(...net.validators);
      await Promise.all(net.validators.map((validator) => net.start(validator)));
      await acknowledgedMore(8);
    });
  });

  test("no fork, and nothing that was acknowledged is lost", async () => {
    await writers.stop();
    const height = Math.min(...(await Promise.all(net.validators.map(heightOf))));
    // Who began with a snapshot has the blocks after it.
    const begins = await Promise.all(net.validators.map(async (validator) => ({ validator, from: (await status(validator)).firstRetainedHeight })));
    const having = (at: number): readonly Validator[] => begins.filter(({ from }) => from < at).map(({ validator }) => validator);
    for (let at = 1; at < height; at += 1) {
      const [first, ...same] = await Promise.all(having(at).map((validator) => net.blockAt(validator, at)));
      expect(same.length).toBeGreaterThanOrEqual(3);
      for (const block of same) expect(block).toEqual(first);
    }
    expect(having(height - 1)).toHaveLength(5);
    const places = await Promise.all(
      writers.acknowledged.map(async ({ hash, height: at }) => (await Promise.all(having(at).map((validator) => call(validator)("tx.get", { hash })))).map((result) => result?.height === at)),
    );
    expect(places.flat().filter((isThere) => !isThere)).toEqual([]);
    expect(new Set(writers.acknowledged.map(({ hash }) => hash)).size).toBe(writers.acknowledged.length);
    const { freeUnits } = await call(net.at(0))("account", { id: SINK.account });
    expect(freeUnits).toBeGreaterThanOrEqual(BigInt(writers.acknowledged.length));
    process.stdout.write(`${writers.acknowledged.length} acknowledged transactions in ${height} blocks, the same everywhere\n`);
  });
});

/** Keys of those who signed the newest block. */
async function signersOf(validator: Validator): Promise<readonly string[]> {
  const signed = await call(validator)("header.get", {});
  if (signed.type !== "cometbft") throw new Error("a header of another engine");
  return signed.validators.filter((_, index) => signed.commit.votes[index]?.type === "commit").map(({ publicKey }) => publicKey);
}

/** Two who stake most of what is staked want it: proposed, voted, locked, carried out. */
async function decide(change: types.Change): Promise<void> {
  const client = connectChain(net.access);
  const twins = GOVERNORS.map(async (key) => {
    await client.submit(key, [{ type: "twins.create", relays: [], encryptionKey: key.encryptionKey }, { type: "accounts.stake", amountUnits: 5n * 10n ** 12n, level: 3 }]);
  });
  await Promise.all(twins);
  const [first = SINK] = GOVERNORS;
  await client.submit(first, [{ type: "governance.propose", change, document: null }]);
  const [proposal] = await client.proposals({});
  if (proposal === undefined) throw new Error("the proposal is not on the ledger");
  await Promise.all(GOVERNORS.map((key) => client.submit(key, [{ type: "governance.vote", proposalId: proposal.id, farmId: null, approve: true }])));
  await until("the proposal is carried out", async () => (await client.proposal(proposal.id))?.state === "executed");
  await client.close();
}

function signedTransfer(key: typeof SINK, nonce: number): Uint8Array {
  const calls = [{ type: "accounts.transfer" as const, to: SINK.account, amountUnits: 1n }];
  const body = { chainId: net.chainId, signer: key.account, nonce, expiresAtHeight: 1_000_000 as never, calls };
  return encode(types.signedTransaction, { body, signature: key.sign("tfgrid/tx/v1", encode(types.transactionBody, body)) });
}

/** Asks once, so that only a real answer counts. */
async function submitOnce(validator: Validator, key: typeof SINK, nonce: number): Promise<Hex> {
  return (await call(validator)("tx.submit", { tx: bytesToHex(signedTransfer(key, nonce)) })).hash;
}

/** Codes of the refusals; undefined where something was taken that must not be. */
async function sendGarbage(to: Validator): Promise<readonly (string | undefined)[]> {
  const mallory = testing.testKey("mallory");
  const good = signedTransfer(mallory, 0);
  const forged = good.with(good.length - 1, (good.at(-1) ?? 0) ^ 1);
  const garbage = [randomBytes(1 + pick(4_096)), Buffer.alloc(0), good.subarray(0, -1), Buffer.concat([good, Buffer.from([0])]), forged, signedTransfer(mallory, 7)];
  // Behind the ledger's back as well: straight into cometbft, which would gossip it to all others if it were good.
  const direct = garbage.map((tx) => cometBroadcast(to, tx).then((answer) => (answer.code === 0 ? undefined : `comet ${answer.code}`)));
  const throughRpc = garbage.map((tx) => call(to)("tx.submit", { tx: bytesToHex(tx) }).then((result) => (result.ok ? undefined : result.error?.code), codeOf));
  return Promise.all([...direct, ...throughRpc]);
}

/** Noise where validators speak to each other: the connection is closed, nothing else happens. */
async function shoutAt({ server }: Validator): Promise<void> {
  const socket = connect(server.p2pPort, server.host);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  // Closed on us while we write: that is what is wanted.
  socket.on("error", () => undefined);
  socket.resume().end(randomBytes(65_536));
  await closed;
}

const codeOf = (error: unknown): string | undefined => (isGridError(error) && !hasCode(error, "chain.unreachable") ? error.code : undefined);

async function cometBroadcast(to: Validator, tx: Uint8Array): Promise<{ readonly code: number }> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "broadcast_tx_sync", params: { tx: Buffer.from(tx).toString("base64") } });
  const response = await fetch(`http://${to.server.host}:${to.server.cometRpcPort}`, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result } = (await response.json()) as { result?: { code: number } };
  // An error instead of a result: refused before the ledger was asked.
  return result ?? { code: -1 };
}
