/** Whatever is altered in an answer, the light client either refuses it or learns the very same from it. */
import { type Hex, type JsonValue, bytesToHex, isGridError } from "@tfgrid/primitives";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CometHeaderProof,
  type SignedHeader,
  LightClient,
  factsOf,
  provenValue,
  signedHeader,
  validatorsHash,
  verifyProvenValue,
} from "../../src/light/index.ts";
import { memoryStorage, openState } from "../../src/state/index.ts";
import { BLOCK_MS, CHAIN_ID, type Member, digest, flipByte, makeChain, member, sourceOf, validatorsOf } from "../support/comet-chain.ts";

const GENESIS_MS = 1_700_000_000_000;
const members = [member("a", 7n), member("b", 5n), member("c", 4n), member("d", 4n), member("e", 1n)];
const chain = makeChain({ heights: 6, membersAt: () => members, genesisMs: GENESIS_MS, signs: (height, { power }) => height !== 5 || power !== 4n });
const trust = { chainId: CHAIN_ID, validatorsHash: validatorsHash(validatorsOf(members)), timeMs: GENESIS_MS };
const clock = { nowMs: () => GENESIS_MS + 10 * BLOCK_MS };
const honest = (height: number): CometHeaderProof => chain[height - 1] as CometHeaderProof;

type Path = readonly (string | number)[];
const leavesOf = (value: JsonValue, path: Path = []): readonly Path[] =>
  typeof value === "object" && value !== null ? Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key])) : [path];

/** One leaf of a JSON value made into something else of its kind. */
function altered(value: JsonValue, path: Path, seed: number): JsonValue {
  const [key, ...rest] = path;
  if (key !== undefined) {
    if (Array.isArray(value)) return value.with(Number(key), altered(value[Number(key)] as JsonValue, rest, seed));
    const record = value as Readonly<Record<string, JsonValue>>;
    return { ...record, [key]: altered(record[key] as JsonValue, rest, seed) };
  }
  if (typeof value === "number") return value + 1 + (seed % 3);
  if (typeof value !== "string") return value === null ? "00" : !value;
  if (/^\d+$/.test(value) && value.length < 40) return (BigInt(value) + 1n + BigInt(seed)).toString();
  if (/^([0-9a-f]{2})+$/.test(value)) return flipByte(value as Hex, seed % (value.length / 2));
  return value === "commit" ? "nil" : value === "nil" ? "commit" : value === "" ? "aa".repeat(32) : `${value}x`;
}

async function learnt(signed: () => SignedHeader, before: SignedHeader | undefined): Promise<string> {
  const client = new LightClient({ trust, clock });
  const source = sourceOf(chain);
  try {
    if (before !== undefined) await client.verify(before, source);
    const { height, hash, appHash, timeMs } = await client.verify(signed(), source);
    return JSON.stringify({ height, hash, appHash, timeMs });
  } catch (error) {
    if (!isGridError(error)) throw error;
    return "refused";
  }
}

describe("headers of CometBFT", () => {
  const json = signedHeader.toJson(honest(5));
  const truth = (({ height, hash, appHash, timeMs }) => JSON.stringify({ height, hash, appHash, timeMs }))(factsOf(honest(5)));

  test("every single field: altered, it is refused or changes nothing that is learnt", async () => {
    const refused: string[] = [];
    for (const path of leavesOf(json)) {
      const answer = await learnt(() => signedHeader.fromJson(altered(json, path, 0)), undefined);
      expect(["refused", truth], path.join(".")).toContain(answer);
      if (answer === "refused") refused.push(path.join("."));
    }
    // Nothing of the header itself, of the set, or of what it was signed for is free to change.
    const bound = leavesOf(json).map((path) => path.join(".")).filter((path) => /^(header|validators|commit\.(blockId|height|round))\b/.test(path));
    expect(bound.length).toBeGreaterThan(30);
    expect(refused).toEqual(expect.arrayContaining(bound));
  });

  test("any byte of any fields, next to a trusted header and far from it", async () => {
    const paths = leavesOf(json);
    const change = fc.record({ at: fc.nat(paths.length - 1), seed: fc.nat(1_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.constantFrom(undefined, 1, 4), async (changes, from) => {
        const value = (): SignedHeader => signedHeader.fromJson(changes.reduce<JsonValue>((all, { at, seed }) => altered(all, paths[at] as Path, seed), json));
        expect(["refused", truth]).toContain(await learnt(value, from === undefined ? undefined : honest(from)));
      }),
      { numRuns: 60 },
    );
  });
});

describe("any history of validators", () => {
  const HEIGHTS = 10;
  /** For each height the places that are given to newcomers there. */
  const histories = fc.array(fc.uniqueArray(fc.nat(3), { maxLength: 4 }), { minLength: HEIGHTS + 1, maxLength: HEIGHTS + 1 });
  const setsOf = (changes: readonly (readonly number[])[]): readonly Member[][] => {
    let current = [0, 1, 2, 3].map((place) => member(`place ${place} from 1`));
    return changes.map((places, index) => (current = current.map((one, place) => (places.includes(place) ? member(`place ${place} from ${index + 1}`) : one))));
  };
  const clientFor = (sets: readonly Member[][], nowMs: number): LightClient =>
    new LightClient({ trust: { chainId: CHAIN_ID, validatorsHash: validatorsHash(validatorsOf(sets[0] as Member[])), timeMs: GENESIS_MS }, clock: { nowMs: () => nowMs } });

  test("can be followed from the genesis to any height, however fast it changes; and no fork by a third of each set", async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 2, max: HEIGHTS }), fc.integer({ min: 2, max: HEIGHTS }), async (changes, height, from) => {
        const sets = setsOf(changes);
        const membersAt = (at: number): readonly Member[] => sets[at - 1] as Member[];
        const honestChain = makeChain({ heights: HEIGHTS, membersAt, genesisMs: GENESIS_MS });
        const nowMs = GENESIS_MS + HEIGHTS * BLOCK_MS;
        const target = honestChain[height - 1] as CometHeaderProof;
        await expect(clientFor(sets, nowMs).verify(target, sourceOf(honestChain))).resolves.toMatchObject({ height });
        // One of four signs a chain of its own from some height on, where it pretends that all others are still there, or only itself.
        const traitor = (membersAt(from)[0] as Member).key.account;
        const forged = makeChain({
          heights: HEIGHTS,
          membersAt: (at) => (at <= from ? membersAt(at) : membersAt(from).slice(0, 1)),
          genesisMs: GENESIS_MS,
          appHashAt: (at) => digest(at < from ? `state ${at}` : `lie ${at}`),
          signs: (at, one) => at < from || one.key.account === traitor,
        });
        const lie = forged.findLast(({ header }) => header.height > from) ?? (forged.at(-1) as CometHeaderProof);
        await expect(clientFor(sets, nowMs).verify(lie, sourceOf(forged))).rejects.toMatchObject({ details: { url: "http://primary" } });
      }),
      { numRuns: 8 },
    );
  });
});

describe("proven values", () => {
  test("no altered value, key, height or proof meets the header", () => {
    const storage = memoryStorage();
    const state = openState(storage);
    const draft = state.draft();
    for (let index = 0; index < 40; index += 1) draft.set(`row/${index}`, Uint8Array.of(index, 1, 2, 3));
    const sealed = draft.seal(0);
    storage.write(sealed.ops);
    sealed.adopt();
    const signed = makeChain({ heights: 1, membersAt: () => members, genesisMs: GENESIS_MS, appHashAt: () => sealed.root })[0] as CometHeaderProof;
    fc.assert(
      fc.property(fc.nat(60), fc.nat(1_000), fc.nat(1_000), (row, pick, seed) => {
        const key = `row/${row}`;
        const { value, proof } = state.prove(key);
        const answer = { value: value === undefined ? null : bytesToHex(value), height: 0 as never, proof, signedHeader: signed };
        verifyProvenValue({ key, value, answer });
        const { signedHeader: _, ...claims } = provenValue.toJson(answer) as Record<string, JsonValue>;
        const paths = leavesOf(claims as JsonValue);
        const lie = altered(claims as JsonValue, paths[pick % paths.length] as Path, seed);
        const check = (): void => {
          const wrong = provenValue.fromJson({ ...(lie as object), signedHeader: signedHeader.toJson(signed) });
          verifyProvenValue({ key, value: wrong.value === null ? undefined : Buffer.from(wrong.value, "hex"), answer: wrong });
        };
        expect(check).toThrow();
        // The value of another key: absence is proven for each key alone, so 60 and 60x may share a proof of it.
        expect(() => verifyProvenValue({ key: "row/61", value: value ?? Uint8Array.of(0), answer })).toThrow();
      }),
      { numRuns: 300 },
    );
  });
});
