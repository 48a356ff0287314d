/** CometBFT's JSON is read strictly: what it never sends is an error and never half a header. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { cometHeaderFromRpc, rfc3339Ns } from "../../src/light/index.ts";

interface Row {
  readonly commit: { readonly signed_header: Record<"header" | "commit", Record<string, unknown>> };
  readonly validators: readonly Record<string, unknown>[];
}
const { blocks } = JSON.parse(readFileSync(new URL("../../vectors/comet-light.json", import.meta.url), "utf8")) as { readonly blocks: readonly Row[] };
const good = blocks[4] as Row;
const header = (change: Record<string, unknown>): Row => ({ ...good, commit: { signed_header: { ...good.commit.signed_header, header: { ...good.commit.signed_header.header, ...change } } } });
const commit = (change: Record<string, unknown>): Row => ({ ...good, commit: { signed_header: { ...good.commit.signed_header, commit: { ...good.commit.signed_header.commit, ...change } } } });
const votes = good.commit.signed_header.commit["signatures"] as readonly Record<string, unknown>[];

describe("times", () => {
  test.each([
    ["1970-01-01T00:00:00Z", 0n],
    ["1970-01-01T00:00:00.000000001Z", 1n],
    ["2026-03-01T12:00:10.5Z", 1_772_366_410_500_000_000n],
    ["2026-03-01T12:00:10.123456789Z", 1_772_366_410_123_456_789n],
    ["2024-02-29T23:59:59.1Z", 1_709_251_199_100_000_000n],
  ])("%s keeps its nanoseconds", (text, ns) => expect(rfc3339Ns(text)).toBe(ns));

  test.each(["2026-03-01T12:00:10", "2026-03-01T12:00:10.1234567890Z", "2026-03-01T12:00:10+01:00", "2026-13-01T12:00:10Z", "yesterday", 5, undefined])("%s is refused", (text) => {
    expect(() => rfc3339Ns(text)).toThrow(expect.objectContaining({ code: "light.bad_answer" }));
  });
});

describe("answers", () => {
  const wrong: readonly [string, Row][] = [
    ["no commit", { ...good, commit: {} as never }],
    ["a hash of another length", header({ app_hash: "AABB" })],
    ["a hash that is no hex", header({ validators_hash: "x".repeat(64) })],
    ["a height that is no number", header({ height: "seven" })],
    ["a negative height", header({ height: "-7" })],
    ["a height beyond 53 bits", header({ height: "9007199254740993" })],
    ["no block id", commit({ block_id: null })],
    ["an unknown flag", commit({ signatures: [{ ...votes[0], block_id_flag: 4 }] })],
    ["a signature that is no base64", commit({ signatures: [{ ...votes[0], signature: "%%%" }] })],
    ["a short signature", commit({ signatures: [{ ...votes[0], signature: "AAAA" }] })],
    ["a validator of no power", { ...good, validators: [{ ...good.validators[0], voting_power: "0" }] }],
    ["a validator with another kind of key", { ...good, validators: [{ ...good.validators[0], pub_key: { type: "tendermint/PubKeySecp256k1", value: "AAAA" } }] }],
    ["no validators", { ...good, validators: [] }],
  ];
  test.each(wrong)("%s", (_name, row) => {
    expect(() => cometHeaderFromRpc(row)).toThrow(expect.objectContaining({ code: "light.bad_answer" }));
  });
  test("a vote that is absent says nothing else", () => {
    const absent = { block_id_flag: 1, validator_address: "", timestamp: "0001-01-01T00:00:00Z", signature: null };
    expect(cometHeaderFromRpc(commit({ signatures: [absent, ...votes.slice(1)] })).commit.votes[0]).toEqual({ type: "absent" });
  });
});
