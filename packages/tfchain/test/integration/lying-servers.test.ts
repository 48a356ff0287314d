/** Servers that lie, between a client and a real chain of either engine: each lie is refused by its own code, and the liar is named. */
import { type Logger, silentLogger } from "@tfgrid/primitives";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ChainClient, type ConnectOptions, chainErrors, connectChain, light, testing } from "../../src/index.ts";
import { signHeader } from "../support/comet-chain.ts";
import { COMET_CHAIN_ID, CometProgram } from "../support/comet-program.ts";
import { startHalfDead } from "../support/half-dead.ts";
import { type Json, type Lie, type Liar, startLiar } from "../support/liar.ts";

interface Target {
  readonly url: string;
  readonly trust: light.ChainTrust;
  /** The same header saying something else, signed by those who may sign: what only a broken chain can show. */
  resign(signed: light.SignedHeader): light.SignedHeader;
  /** The same by those who may not. */
  usurp(signed: light.SignedHeader): light.SignedHeader;
  stop(): Promise<unknown>;
}

const alice = testing.testKey("alice");
const transfer = { type: "accounts.transfer" as const, to: testing.testKey("sink").account, amountUnits: 1n };
const LIE = "11".repeat(32) as light.Header["appHash"];

async function soloTarget(): Promise<Target> {
  const grid = await testing.startTestChain({ blockIntervalMs: 5 });
  const signedBy = (name: string) => (signed: light.SignedHeader): light.SignedHeader => {
    if (signed.type !== "solo") throw new Error("solo signs this chain");
    const key = testing.testKey(name);
    const header = { ...signed.header, appHash: LIE, authority: key.account };
    return { type: "solo", header, signature: key.sign("tfgrid/header/v1", light.headerBytes(header)) };
  };
  return { url: grid.url, trust: grid.trust, resign: signedBy("authority"), usurp: signedBy("mallory"), stop: () => grid.stop() };
}

async function cometTarget(): Promise<Target> {
  const program = new CometProgram({ rich: ["alice"] });
  await program.prepare();
  await program.start();
  const validator = { key: testing.testKey("validator"), power: 10n };
  const hashOf = (key: { readonly account: light.CometValidator["publicKey"] }) => light.validatorsHash([{ publicKey: key.account, power: 10n }]);
  const signedBy = (name: string) => (signed: light.SignedHeader): light.SignedHeader => {
    if (signed.type !== "cometbft") throw new Error("CometBFT signs this chain");
    const member = { ...validator, key: testing.testKey(name) };
    return signHeader({ header: { ...signed.header, appHash: LIE, validatorsHash: hashOf(member.key) }, members: [member] });
  };
  return {
    url: program.url,
    trust: { chainId: COMET_CHAIN_ID, validatorsHash: hashOf(validator.key), timeMs: program.genesisTimeMs },
    resign: signedBy("validator"),
    usurp: signedBy("mallory"),
    stop: () => program.remove(),
  };
}

const onState = (change: (answer: Json) => Json): Lie => ({ method, result }) => (method === "state.get" ? change(result) : result);
const onHeader = (change: (signed: Json) => Json): Lie => onState((answer) => ({ ...answer, signedHeader: change(answer["signedHeader"] as Json) }));
const asSigned = (change: (signed: light.SignedHeader) => light.SignedHeader) => (signed: Json): Json =>
  light.signedHeader.toJson(change(light.signedHeader.fromJson(signed))) as Json;
const within = (value: Json, key: string, change: (inner: Json) => Json): Json => ({ ...value, [key]: change(value[key] as Json) });
const CID = "bafyreigaknpexyvxt76zgkitavbwx6ejgfheup5oybpm77f3pxzrvwpfdi";
const flipped = (text: unknown): string => `${String(text).startsWith("0") ? "1" : "0"}${String(text).slice(1)}`;

const engines: readonly [string, () => Promise<Target>][] = [
  ["solo", soloTarget],
  ["cometbft", cometTarget],
];

describe.each(engines)("engine %s", (engine, start) => {
  let target: Target;
  let honest: ChainClient;
  const opened: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    target = await start();
    honest = connectChain({ url: target.url, trust: target.trust });
    await honest.submit(alice, [{ type: "twins.create", relays: [], encryptionKey: alice.encryptionKey }]);
  });
  afterEach(async () => {
    for (const close of opened.splice(0)) await close();
  });
  afterAll(async () => {
    await honest.close();
    await target.stop();
  });

  const client = (options: ConnectOptions): ChainClient => {
    const made = connectChain({ trust: target.trust, ...options });
    opened.push(() => made.close());
    return made;
  };
  const liar = async (lie?: Lie): Promise<Liar> => {
    const made = await startLiar(target.url, lie);
    opened.push(() => made.stop());
    return made;
  };

  test("honest answers are proven, present or absent, and follow what this client did", async () => {
    const { url } = await liar();
    const reader = client({ url });
    expect(await reader.proven.twin(1 as never)).toEqual(await honest.twin(1 as never));
    expect(await reader.proven.twinByAccount(alice.account)).toMatchObject({ id: 1 });
    expect(await reader.proven.twin(99 as never)).toBeUndefined();
    for (let round = 0; round < 3; round += 1) {
      await reader.submit(alice, [{ type: "twins.update", relays: [`/dns4/relay${round}/tcp/1`], encryptionKey: alice.encryptionKey }]);
      // Never an older answer than the own transaction, although CometBFT signs a state one block later.
      expect((await reader.proven.twin(1 as never))?.relays).toEqual([`/dns4/relay${round}/tcp/1`]);
    }
  });

  test("a solution is proven by its owner's name for it, and is not once it has ended", async () => {
    const reader = client({ url: target.url });
    const agent = testing.testKey("agent");
    await reader.submit(alice, [{ type: "accounts.transfer", to: agent.account, amountUnits: 100_000_000n }]);
    await reader.submit(agent, [{ type: "twins.create", relays: [], encryptionKey: agent.encryptionKey }]);
    const agentTwinId = (await reader.proven.twinByAccount(agent.account))?.id as never;
    const named = { name: "named", document: CID as never, agentTwinId, signers: [{ twinId: 1 as never, weight: 1 }] };
    const money = { thresholds: { provision: 1, amend: 1, delete: 1 }, budgetPerHourUnits: 1n, depositUnits: 1n };
    await reader.submit(alice, [{ type: "solutions.create", ...named, ...money }]);
    const solution = await reader.proven.solutionByName(1 as never, "named");
    expect(solution).toEqual(await honest.solutionByName(1 as never, "named"));
    expect(solution).toMatchObject({ document: CID });
    expect(await reader.proven.solutionByName(1 as never, "nameless")).toBeUndefined();
    await reader.submit(alice, [{ type: "solutions.cancel", solutionId: solution?.id as never }]);
    expect(await reader.proven.solutionByName(1 as never, "named")).toBeUndefined();
  });

  test("a server without a signed header yet is waited for", async () => {
    let asked = 0;
    const { url } = await liar(({ method, result }) => {
      if (method === "state.get" && (asked += 1) < 3) throw chainErrors.fail("chain.height_unknown");
      return result;
    });
    expect(await client({ url }).proven.twin(1 as never)).toMatchObject({ id: 1 });
    expect(asked).toBe(3);
  });

  const lies: [string, string, Lie][] = [
    ["a value that was altered", "light.bad_proof", onState((answer) => ({ ...answer, value: `${String(answer["value"]).slice(0, -2)}00` }))],
    ["a value that was hidden", "light.bad_proof", onState((answer) => ({ ...answer, value: null }))],
    ["a proof that was altered", "light.bad_proof", onState((answer) => within(answer, "proof", (proof) => ({ ...proof, siblings: [...(proof["siblings"] as string[]).slice(0, -1), LIE] })))],
    ["the value of another key", "light.wrong_key", ({ method, result, ask }) => (method === "state.get" ? ask("state.get", { key: `account/${alice.account}` }) : result)],
    ["a value of another height", "light.wrong_height", onState((answer) => ({ ...answer, height: Number(answer["height"]) - 1 }))],
    ["a header of another chain", "light.wrong_chain", onHeader((signed) => within(signed, "header", (header) => ({ ...header, chainId: "other" })))],
    ["a header with another state", engine === "solo" ? "light.bad_header_signature" : "light.bad_header", onHeader((signed) => within(signed, "header", (header) => ({ ...header, appHash: LIE })))],
    ["a forged signature", "light.bad_header_signature", onHeader((signed) => forged(signed))],
    ["a header of strangers", engine === "solo" ? "light.wrong_chain" : "light.bad_validators", onHeader((signed) => asSigned((one) => target.usurp(one))(signed))],
    ["an answer of no known form", "light.bad_answer", onState(() => ({ value: "00" }))],
  ];
  const forCometBft: [string, string, Lie][] = [
    ["validators of more power", "light.bad_validators", onHeader((signed) => ({ ...signed, validators: [{ ...(signed["validators"] as Json[])[0], power: "1000" }] }))],
    ["a commit without votes", "light.not_enough_power", onHeader((signed) => within(signed, "commit", (commit) => ({ ...commit, votes: [{ type: "absent" }] })))],
  ];

  test.each(engine === "solo" ? lies : [...lies, ...forCometBft])("%s is refused as %s, by name", async (_name, code, lie) => {
    const { url } = await liar(lie);
    await expect(client({ url }).proven.twin(1 as never)).rejects.toMatchObject({ code, details: { url } });
    // With an honest server beside it, the liar is told apart and left.
    const named: unknown[] = [];
    const careful = client({ urls: [url, target.url], logger: recording(named) });
    expect(await careful.proven.twin(1 as never)).toMatchObject({ id: 1, account: alice.account });
    expect(named).toEqual([expect.objectContaining({ url, error: expect.objectContaining({ code }) })]);
  });

  test("an old answer that was true once is refused: by its age, and by what this client has seen since", async () => {
    const recorded: Json[] = [];
    const { url } = await liar(onState((answer) => recorded[0] ?? (recorded.push(answer), answer)));
    const reader = client({ url, clock: { nowMs: () => Date.now(), sleep: () => Promise.resolve() } });
    await reader.proven.twin(1 as never);
    await reader.submit(alice, [transfer]);
    await expect(reader.proven.twin(1 as never)).rejects.toMatchObject({ code: "chain.behind", details: { url } });
    const later = client({ url, clock: { nowMs: () => Date.now() + 3_600_000, sleep: () => Promise.resolve() } });
    await expect(later.proven.twin(1 as never)).rejects.toMatchObject({ code: "light.stale_header", details: { url } });
  });

  test("a fork between server and witness stops the client and shows both headers", async () => {
    const witness = await liar(({ method, result }) => (method === "header.get" ? asSigned((signed) => target.resign(signed))(result) : result));
    const refused = client({ url: target.url, witnesses: [witness.url] }).proven.twin(1 as never);
    await expect(refused).rejects.toMatchObject({ code: "light.fork_detected", details: { url: target.url, witnessUrl: witness.url, evidence: [expect.any(String), expect.any(String)] } });
    // A witness that shows what nobody may sign is no fork: it confirms nothing.
    witness.lie = ({ method, result }) => (method === "header.get" ? asSigned((signed) => target.usurp(signed))(result) : result);
    const unsure = client({ url: target.url, witnesses: [witness.url], clock: { nowMs: () => Date.now(), sleep: () => Promise.resolve() } });
    await expect(unsure.proven.twin(1 as never)).rejects.toMatchObject({ code: "light.no_witness", details: { witnesses: [witness.url] } });
    const confirmed = client({ url: target.url, witnesses: [witness.url, (await liar()).url] });
    expect(await confirmed.proven.twin(1 as never)).toMatchObject({ id: 1 });
  });

  test("reads, submissions and events go on with the next server when one is away, and pass by one that is behind", async () => {
    const first = await liar();
    const behind = await liar(({ method, result }) => (method === "head" ? { ...result, height: 0 } : result));
    const both = client({ urls: [first.url, behind.url, target.url] });
    const { height } = await both.submit(alice, [transfer]);
    expect(first.calls).toContain("tx.submit");
    await first.stop();
    expect(await both.twin(1 as never)).toMatchObject({ id: 1 });
    const receipt = await both.submit(alice, [transfer]);
    expect(receipt.height).toBeGreaterThan(height);
    expect(behind.calls.filter((method) => method !== "head")).toEqual([]);
    const heights: number[] = [];
    for await (const block of both.follow({ from: height, signal: AbortSignal.timeout(60_000) })) {
      heights.push(block.height);
      if (block.height >= receipt.height) break;
    }
    expect(heights.at(0)).toBe(height);
    expect(heights.at(-1)).toBe(receipt.height);
  });
});

describe("a server that half lives", () => {
  test("keeps nobody's events: whoever left it for reads and submissions follows another", async () => {
    const grid = await testing.startTestChain({ blockIntervalMs: 5 });
    const [first, second] = [await startHalfDead(grid.url), await startHalfDead(grid.url)];
    const both = connectChain({ urls: [first.url, second.url], trust: grid.trust });
    try {
      const { height } = await both.submit(alice, [transfer]);
      const seen: number[] = [];
      for await (const block of both.follow({ from: height, signal: AbortSignal.timeout(60_000) })) {
        seen.push(block.height);
        if (seen.length === 4) break;
        // Its streams go on, and it answers nothing else any more.
        if (seen.length === 2) first.die();
        await both.submit(alice, [transfer]);
      }
      expect(seen).toHaveLength(4);
      expect([first.streams(), second.streams()]).toEqual([1, 1]);
    } finally {
      await both.close();
      await Promise.all([first.stop(), second.stop()]);
      await grid.stop();
    }
  });
});

function forged(signed: Json): Json {
  if (signed["type"] === "solo") return { ...signed, signature: flipped(signed["signature"]) };
  return within(signed, "commit", (commit) => ({ ...commit, votes: (commit["votes"] as Json[]).map((vote) => ({ ...vote, signature: flipped(vote["signature"]) })) }));
}

function recording(errors: unknown[]): Logger {
  const logger: Logger = { ...silentLogger, error: (_message, fields) => void errors.push(fields), child: () => logger };
  return logger;
}
