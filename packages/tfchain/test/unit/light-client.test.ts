/** The light client over chains that are made here: which way it takes, and what it refuses. */
import { type Height, type Hex, GridError, isGridError, keyPairFromSeed, sha256, utf8 } from "@tfgrid/primitives";
import { describe, expect, test } from "vitest";
import {
  type ChainTrust,
  type CometHeaderProof,
  type HeaderSource,
  LightClient,
  type LightClientOptions,
  type SoloHeader,
  type TrustStore,
  chainErrors,
  cometHeaderHash,
  factsOf,
  headerBytes,
  validatorsHash,
} from "../../src/light/index.ts";
import { LIGHT_LIMITS } from "../../src/limits.ts";
import { BLOCK_MS, CHAIN_ID, type Member, digest, flipByte, makeChain, member, signHeader, sourceOf, validatorsOf } from "../support/comet-chain.ts";

const GENESIS_MS = 1_700_000_000_000;
const HEIGHTS = 40;
const four: readonly Member[] = ["a", "b", "c", "d"].map((name) => member(name));
/** At each fifth height one of four is exchanged: after 20 heights nobody of the first set is left. */
const drifting = (height: number): readonly Member[] => [0, 1, 2, 3].map((index) => member(`drift ${Math.floor(height / 5) + index}`));
const steady = makeChain({ heights: HEIGHTS, membersAt: () => four, genesisMs: GENESIS_MS });
const changing = makeChain({ heights: HEIGHTS, membersAt: drifting, genesisMs: GENESIS_MS });

const at = (chain: readonly CometHeaderProof[], height: number): CometHeaderProof => chain[height - 1] as CometHeaderProof;
const clockAt = (height: number) => ({ nowMs: () => GENESIS_MS + height * BLOCK_MS });
const genesisTrust = (members: readonly Member[]): ChainTrust => ({ chainId: CHAIN_ID, validatorsHash: validatorsHash(validatorsOf(members)), timeMs: GENESIS_MS });
const clientOf = (options: Partial<LightClientOptions> = {}): LightClient =>
  new LightClient({ trust: genesisTrust(drifting(1)), clock: clockAt(HEIGHTS), ...options });

async function codeOf(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  return isGridError(error) ? error.code : String(error);
}

describe("the way from trust to a header", () => {
  test("is one step while the genesis validators make the blocks, with nothing more asked for", async () => {
    const source = sourceOf(steady);
    const client = clientOf({ trust: genesisTrust(four) });
    await expect(client.verify(at(steady, HEIGHTS), source)).resolves.toMatchObject({ height: HEIGHTS, stateHeight: HEIGHTS - 1, appHash: digest(`state ${HEIGHTS - 1}`) });
    expect(source.asked).toEqual([]);
  });

  test("is bisected when the validators have changed, in far fewer steps than heights", async () => {
    const source = sourceOf(changing);
    const client = clientOf();
    await expect(client.verify(at(changing, HEIGHTS), source)).resolves.toMatchObject({ height: HEIGHTS });
    expect(source.asked.length).toBeLessThan(12);
    // What was proven on the way is remembered: the next header needs nothing more.
    const asked = source.asked.length;
    await client.verify(at(changing, HEIGHTS - 1), source);
    expect(source.asked.length - asked).toBeLessThanOrEqual(2);
  });

  test("begins at a block that somebody trustworthy named", async () => {
    const trusted = at(changing, 30);
    const source = sourceOf(changing, { first: 30 });
    const client = clientOf({ trust: { chainId: CHAIN_ID, height: 30 as Height, hash: cometHeaderHash(trusted.header) } });
    await expect(client.verify(at(changing, 38), source)).resolves.toMatchObject({ height: 38 });
    expect(await codeOf(client.verify(at(changing, 20), source))).toBe("light.trust_unproven");
  });

  test("asks more of the trusted validators when told to, and never less than a third", async () => {
    // More than all can never be had: every header between is asked for, and each next one is proven by the set that is named for it.
    const source = sourceOf(changing);
    await clientOf({ trustLevel: { numerator: 1n, denominator: 1n } }).verify(at(changing, 9), source);
    expect(new Set(source.asked)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]));
    for (const [numerator, denominator] of [[1n, 4n], [3n, 2n], [1n, 0n]] as const) {
      expect(() => clientOf({ trustLevel: { numerator, denominator } })).toThrow(expect.objectContaining({ code: "chain.bad_config" }));
    }
  });

  test("is not found when the named block is another", async () => {
    const client = clientOf({ trust: { chainId: CHAIN_ID, height: 30 as Height, hash: digest("another") } });
    expect(await codeOf(client.verify(at(changing, 38), sourceOf(changing)))).toBe("light.trust_unproven");
  });

  test("is not found when the server has pruned everything up to other validators", async () => {
    expect(await codeOf(clientOf().verify(at(changing, 38), sourceOf(changing, { first: 25 })))).toBe("light.trust_unproven");
    await expect(clientOf().verify(at(changing, 38), sourceOf(changing, { first: 3 }))).resolves.toMatchObject({ height: 38 });
  });

  test("ends after a bounded number of steps, whatever a server sends", async () => {
    // Every header is signed by strangers to all others: nothing but the next one ever follows.
    const heights = LIGHT_LIMITS.bisectionSteps * 2;
    const strangers = makeChain({ heights, membersAt: (height) => [member(`stranger ${height}`)], genesisMs: GENESIS_MS });
    const source = sourceOf(strangers);
    const client = clientOf({ trust: genesisTrust([member("stranger 1")]), clock: clockAt(heights) });
    expect(await codeOf(client.verify(at(strangers, heights), source))).toBe("light.trust_unproven");
    expect(source.asked.length).toBeLessThanOrEqual(LIGHT_LIMITS.bisectionSteps + 1);
  });
});

describe("trust ends", () => {
  const later = { nowMs: () => GENESIS_MS + LIGHT_LIMITS.trustPeriodMs + HEIGHTS * BLOCK_MS };
  test("with the trust period of the genesis validators, of the last verified header, and of a kept one", async () => {
    expect(await codeOf(clientOf({ trust: genesisTrust(four), clock: later }).verify(at(steady, 40), sourceOf(steady)))).toBe("light.trust_expired");
    let nowMs = GENESIS_MS + 10 * BLOCK_MS;
    const client = clientOf({ trust: genesisTrust(four), clock: { nowMs: () => nowMs } });
    await client.verify(at(steady, 10), sourceOf(steady));
    nowMs = later.nowMs();
    expect(await codeOf(client.verify(at(steady, 40), sourceOf(steady)))).toBe("light.trust_expired");
  });

  test("never for validators that are trusted without a time", async () => {
    const trust = { chainId: CHAIN_ID, validatorsHash: validatorsHash(validatorsOf(drifting(1))) };
    await expect(clientOf({ trust, clock: later }).verify(at(changing, 40), sourceOf(changing))).resolves.toMatchObject({ height: 40 });
  });

  test("later for a program that keeps its newest header", async () => {
    let kept: Awaited<ReturnType<TrustStore["load"]>>;
    const store: TrustStore = {
      load: () => Promise.resolve(kept),
      save: (signed) => {
        kept = signed;
        return Promise.resolve();
      },
    };
    const halfMs = LIGHT_LIMITS.trustPeriodMs * 0.6;
    const far = makeChain({ heights: 3, membersAt: (height) => (height < 3 ? four : [...four, member("e")]), genesisMs: GENESIS_MS + halfMs });
    await clientOf({ trust: genesisTrust(four), clock: { nowMs: () => GENESIS_MS + halfMs + 2 * BLOCK_MS }, store }).verify(at(far, 2), sourceOf(far));
    expect(kept?.header.height).toBe(2);
    const clock = { nowMs: () => GENESIS_MS + 2 * halfMs };
    await expect(clientOf({ trust: genesisTrust(four), clock, store }).verify(at(far, 3), sourceOf(far))).resolves.toMatchObject({ height: 3 });
    expect(await codeOf(clientOf({ trust: genesisTrust(four), clock }).verify(at(far, 3), sourceOf(far)))).toBe("light.trust_expired");
  });
});

describe("a header that was kept", () => {
  const keeping = (kept: CometHeaderProof): TrustStore => ({ load: () => Promise.resolve(kept), save: () => Promise.resolve() });
  const trust = { chainId: CHAIN_ID, validatorsHash: validatorsHash(validatorsOf(four)) };

  test("of another chain is left alone: what is configured counts", async () => {
    const { header } = at(steady, 2);
    const foreign = signHeader({ header: { ...header, chainId: "another" }, members: four });
    await expect(clientOf({ trust, store: keeping(foreign) }).verify(at(steady, 5), sourceOf(steady))).resolves.toMatchObject({ height: 5 });
  });
});

describe("a server that lies", () => {
  const lies: [string, string, (header: CometHeaderProof) => CometHeaderProof][] = [
    ["another app hash", "light.bad_header", (signed) => ({ ...signed, header: { ...signed.header, appHash: digest("lie") } })],
    ["a forged signature", "light.bad_header_signature", (signed) => withVote(signed, (vote) => ({ ...vote, signature: flipByte(vote.signature, 3) }))],
    ["votes left out", "light.not_enough_power", (signed) => ({ ...signed, commit: { ...signed.commit, votes: signed.commit.votes.map((vote, index) => (index < 2 ? { type: "absent" } : vote)) } })],
    ["other validators", "light.bad_validators", (signed) => ({ ...signed, validators: validatorsOf(["x", "y", "z", "w"].map((name) => member(name))) })],
    ["validators of more power", "light.bad_validators", (signed) => ({ ...signed, validators: signed.validators.map((one) => ({ ...one, power: one.power * 2n })) })],
    ["a block of strangers", "light.bad_validators", (signed) => usurped(signed)],
    ["a time in the future", "light.bad_time", (signed) => resigned(signed, { timeNs: signed.header.timeNs + 3_600_000_000_000n })],
    ["another chain", "light.wrong_chain", (signed) => resigned(signed, { chainId: "other" })],
  ];

  test.each(lies)("%s is %s, and the server is named", async (_name, code, lie) => {
    const client = clientOf({ trust: genesisTrust(four) });
    await client.verify(at(steady, 10), sourceOf(steady));
    for (const height of [11, 20]) {
      const refused = client.verify(lie(at(steady, height)), sourceOf(steady, { url: "http://liar" }));
      await expect(refused).rejects.toMatchObject({ code, details: { url: "http://liar" } });
    }
    expect(client.newest()?.height).toBe(10);
  });

  test("a header of another height than was asked for", async () => {
    const liar: HeaderSource = { url: "http://liar", header: () => Promise.resolve(at(changing, 7)) };
    await expect(clientOf().verify(at(changing, 40), liar)).rejects.toMatchObject({ code: "light.wrong_height", details: { url: "http://liar" } });
  });

  test("a header signed by an authority where validators are trusted", async () => {
    const lie = soloHeader({ height: 5 });
    await expect(clientOf().verify(lie, sourceOf(changing))).rejects.toMatchObject({ code: "light.wrong_chain" });
  });
});

describe("witnesses", () => {
  const fork = makeChain({ heights: HEIGHTS, membersAt: () => four, genesisMs: GENESIS_MS, appHashAt: (height) => digest(height < 25 ? `state ${height}` : `fork ${height}`) });
  const trust = genesisTrust(four);

  test("confirm a header", async () => {
    const witness = sourceOf(steady, { url: "http://witness" });
    await expect(clientOf({ trust, witnesses: [witness] }).verify(at(steady, 40), sourceOf(steady))).resolves.toMatchObject({ height: 40 });
    expect(witness.asked).toEqual([40]);
  });

  test("show a fork that two thirds signed on both sides: both headers are evidence", async () => {
    const client = clientOf({ trust, witnesses: [sourceOf(fork, { url: "http://witness" })] });
    const refused = await client.verify(at(steady, 40), sourceOf(steady)).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(GridError);
    const { code, details } = refused as GridError;
    expect(code).toBe("light.fork_detected");
    expect(details).toMatchObject({ height: 40, url: "http://primary", witnessUrl: "http://witness", hash: cometHeaderHash(at(steady, 40).header), otherHash: cometHeaderHash(at(fork, 40).header) });
    const evidence = (details["evidence"] as readonly string[]).map((text) => (JSON.parse(text) as { header: { appHash: string } }).header.appHash);
    expect(evidence).toEqual([at(steady, 40).header.appHash, at(fork, 40).header.appHash]);
    expect(client.newest()).toBeUndefined();
  });

  test("that lie, or do not answer, confirm nothing; one honest one is enough", async () => {
    const lie = { ...at(steady, 40), header: { ...at(steady, 40).header, appHash: digest("lie") } };
    const liar: HeaderSource = { url: "http://liar", header: () => Promise.resolve(lie) };
    const away: HeaderSource = { url: "http://away", header: () => Promise.reject(chainErrors.fail("chain.unreachable")) };
    const refused = clientOf({ trust, witnesses: [liar, away] }).verify(at(steady, 40), sourceOf(steady));
    await expect(refused).rejects.toMatchObject({ code: "light.no_witness", details: { witnesses: ["http://liar", "http://away"] } });
    const honest = sourceOf(steady, { url: "http://honest" });
    await expect(clientOf({ trust, witnesses: [liar, away, honest] }).verify(at(steady, 40), sourceOf(steady))).resolves.toMatchObject({ height: 40 });
  });

  test("two signed blocks of one height are a fork also when they come one after the other", async () => {
    const client = clientOf({ trust });
    await client.verify(at(steady, 40), sourceOf(steady));
    await expect(client.verify(at(fork, 40), sourceOf(fork, { url: "http://other" }))).rejects.toMatchObject({ code: "light.fork_detected", details: { url: "http://other" } });
  });
});

describe("an authority", () => {
  const trust: ChainTrust = { chainId: CHAIN_ID, authority: authority().account };
  const source: HeaderSource = { url: "http://solo", header: () => Promise.reject(chainErrors.fail("chain.unreachable")) };

  test("signs headers that follow each other", async () => {
    const client = clientOf({ trust });
    const first = soloHeader({ height: 7 });
    await client.verify(first, source);
    await expect(client.verify(soloHeader({ height: 8, parentHash: factsOf(first).hash }), source)).resolves.toMatchObject({ height: 8, stateHeight: 8 });
    expect(await codeOf(client.verify(soloHeader({ height: 8, parentHash: factsOf(first).hash, appHash: digest("two") }), source))).toBe("light.fork_detected");
    expect(await codeOf(client.verify(soloHeader({ height: 9, parentHash: digest("none") }), source))).toBe("light.fork_detected");
    expect(await codeOf(client.verify(soloHeader({ height: 20, timeMs: GENESIS_MS - 1 }), source))).toBe("light.bad_time");
    const forged = { ...soloHeader({ height: 20 }), signature: "11".repeat(64) as Hex };
    await expect(client.verify(forged, source)).rejects.toMatchObject({ code: "light.bad_header_signature", details: { url: "http://solo" } });
  });
});

function withVote(signed: CometHeaderProof, change: (vote: { validatorAddress: Hex; timeNs: bigint; signature: Hex }) => object): CometHeaderProof {
  const votes = signed.commit.votes.map((vote, index) => (index === 0 && vote.type === "commit" ? { ...vote, ...change(vote) } : vote));
  return { ...signed, commit: { ...signed.commit, votes } };
}

/** Changed by all four validators together: only time and chain can give it away. */
const resigned = (signed: CometHeaderProof, change: Partial<CometHeaderProof["header"]>): CometHeaderProof =>
  signHeader({ header: { ...signed.header, ...change }, members: four });

function usurped(signed: CometHeaderProof): CometHeaderProof {
  const members = ["x", "y", "z", "w"].map((name) => member(name));
  const hash = validatorsHash(validatorsOf(members));
  return signHeader({ header: { ...signed.header, validatorsHash: hash, nextValidatorsHash: hash }, members });
}

function authority() {
  return keyPairFromSeed(sha256(utf8("light client authority")));
}

function soloHeader(fields: { readonly height: number; readonly timeMs?: number; readonly parentHash?: Hex; readonly appHash?: Hex }): SoloHeader {
  const { height, timeMs = GENESIS_MS + height, parentHash = digest("parent"), appHash = digest("app") } = fields;
  const pair = authority();
  const header = { chainId: CHAIN_ID, height: height as Height, timeMs, parentHash, txsRoot: digest("txs"), appHash, authority: pair.account };
  return { type: "solo", header, signature: pair.sign("tfgrid/header/v1", headerBytes(header)) };
}
