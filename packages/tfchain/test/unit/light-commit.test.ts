/** One validator is one voice, however often and under whatever name its vote is shown. */
import { describe, expect, test } from "vitest";
import { type CometHeaderProof, ONE_THIRD, signedByTrusted, verifyOwnCommit, verifyParts } from "../../src/light/index.ts";
import { type Member, makeChain, member, signHeader, validatorsOf } from "../support/comet-chain.ts";

const four: readonly Member[] = ["a", "b", "c", "d"].map((name) => member(name));
const [signed] = makeChain({ heights: 1, membersAt: () => four, genesisMs: 1_700_000_000_000 }) as [CometHeaderProof];
const withVotes = (votes: CometHeaderProof["commit"]["votes"]): CometHeaderProof => ({ ...signed, commit: { ...signed.commit, votes } });
const [first, second] = signed.commit.votes as unknown as readonly [CometHeaderProof["commit"]["votes"][number], CometHeaderProof["commit"]["votes"][number]];

describe("a vote", () => {
  test("shown twice is a lie, and not twice the power", () => {
    const byTrusted = (votes: CometHeaderProof["commit"]["votes"]): boolean => signedByTrusted({ signed: withVotes(votes), trusted: validatorsOf(four), level: ONE_THIRD });
    // 10 of 40 are not more than a third, 20 are.
    expect(byTrusted([first])).toBe(false);
    expect(byTrusted([first, second])).toBe(true);
    expect(() => byTrusted([first, first])).toThrow(expect.objectContaining({ code: "light.bad_header_signature" }));
  });

  test("under another validator's name does not count", () => {
    if (first.type !== "commit" || second.type !== "commit") throw new Error("everybody signed");
    const renamed = { ...first, validatorAddress: second.validatorAddress };
    expect(() => verifyOwnCommit(withVotes([renamed, ...signed.commit.votes.slice(1)]))).toThrow(expect.objectContaining({ code: "light.bad_validators" }));
  });
});

test("a set that lists one validator twice is none", () => {
  const [one] = four as [Member];
  const { header } = makeChain({ heights: 1, membersAt: () => [one, one], genesisMs: 1_700_000_000_000 })[0] as CometHeaderProof;
  expect(() => verifyParts(signHeader({ header, members: [one, one] }))).toThrow(expect.objectContaining({ code: "light.bad_validators" }));
  expect(() => verifyParts(signed)).not.toThrow();
});
