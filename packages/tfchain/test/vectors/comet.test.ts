/** Our light client against CometBFT's own: hashes, signed bytes and verdicts that v0.38.25 made (vectors/generate/comet). */
import { readFileSync } from "node:fs";
import { type Hex, bytesToHex, decode, encode, hasCode, isGridError } from "@tfgrid/primitives";
import { describe, expect, test } from "vitest";
import {
  type CometHeaderProof,
  addressOf,
  cometHeaderFromRpc,
  cometHeaderHash,
  factsOf,
  signedHeader,
  validatorsHash,
  verifyNext,
  verifyOwnCommit,
  verifyParts,
  voteSignBytes,
} from "../../src/light/index.ts";

interface Answers {
  readonly commit: unknown;
  readonly validators: readonly unknown[];
}
interface Block extends Answers {
  readonly hash: Hex;
  readonly validatorsHash: Hex;
  readonly addresses: readonly Hex[];
  readonly signBytes: Readonly<Record<string, Hex>>;
}
interface Vectors {
  readonly chainId: string;
  readonly trustPeriodMs: number;
  readonly clockDriftMs: number;
  readonly blocks: readonly Block[];
  readonly large: Block;
  readonly verdicts: readonly { readonly trusted: number; readonly untrusted: number; readonly nowMs: number; readonly verdict: string }[];
  readonly forgeries: readonly (Answers & { readonly name: string; readonly trusted: number; readonly verdict: string; readonly reason: string })[];
}

const vectors = JSON.parse(readFileSync(new URL("../../vectors/comet-light.json", import.meta.url), "utf8")) as Vectors;
const blocks = new Map(vectors.blocks.map((row) => [factsOf(cometHeaderFromRpc(row)).height as number, cometHeaderFromRpc(row)]));
const at = (height: number): CometHeaderProof => blocks.get(height) as CometHeaderProof;
const { trustPeriodMs, clockDriftMs } = vectors;

function verdictOf(trusted: CometHeaderProof, untrusted: CometHeaderProof, nowMs: number): string {
  try {
    return verifyNext(trusted, untrusted, { nowMs, trustPeriodMs, clockDriftMs }).kind;
  } catch (error) {
    if (!isGridError(error)) throw error;
    return hasCode(error, "light.trust_expired") ? "expired" : "refused";
  }
}

describe("hashes and signed bytes are CometBFT's", () => {
  test.each([...vectors.blocks, vectors.large].map((row) => [factsOf(cometHeaderFromRpc(row)).height, row] as const))("height %i", (_height, row) => {
    const signed = cometHeaderFromRpc(row);
    expect(cometHeaderHash(signed.header)).toBe(row.hash);
    expect(validatorsHash(signed.validators)).toBe(row.validatorsHash);
    expect(signed.validators.map(({ publicKey }) => addressOf(publicKey))).toEqual(row.addresses);
    for (const [index, expected] of Object.entries(row.signBytes)) {
      const vote = signed.commit.votes[Number(index)];
      if (vote?.type !== "commit") throw new Error("the vector has signed bytes for votes that are commits");
      expect(bytesToHex(voteSignBytes({ chainId: signed.header.chainId, commit: signed.commit, timeNs: vote.timeNs }))).toBe(expected);
    }
    verifyParts(signed);
  });

  test("a commit of 100 validators with all sizes of power holds; one with too little power does not", () => {
    verifyOwnCommit(cometHeaderFromRpc(vectors.large));
    // The vector leaves out one vote of height 17 and gives another to nil: 31 of 55 are left.
    expect(() => verifyOwnCommit(at(17))).toThrow(expect.objectContaining({ code: "light.not_enough_power" }));
  });

  test("a header survives our own encodings", () => {
    for (const signed of [...blocks.values(), cometHeaderFromRpc(vectors.large)]) {
      expect(signedHeader.fromJson(JSON.parse(JSON.stringify(signedHeader.toJson(signed))))).toEqual(signed);
      expect(decode(signedHeader, encode(signedHeader, signed), { maxBytes: 100_000 })).toEqual(signed);
    }
  });
});

describe("verdicts are CometBFT's", () => {
  test("over every pair of headers, and at the edges of trust period and clock drift", () => {
    const ours = vectors.verdicts.map(({ trusted, untrusted, nowMs }) => verdictOf(at(trusted), at(untrusted), nowMs));
    expect(ours).toEqual(vectors.verdicts.map(({ verdict }) => verdict));
    // The vectors would be worth little without each of them.
    for (const kind of ["verified", "bisect", "expired", "refused"]) expect(ours).toContain(kind);
  });

  test.each(vectors.forgeries.map((row) => [row.name, row] as const))("forgery: %s", (_name, row) => {
    const nowMs = factsOf(at(vectors.blocks.length)).timeMs;
    const verdict = verdictOf(at(row.trusted), cometHeaderFromRpc(row), nowMs);
    expect(verdict, row.reason).toBe(row.verdict);
  });
});
