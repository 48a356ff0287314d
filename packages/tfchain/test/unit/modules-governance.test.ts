import { describe, expect, it } from "vitest";
import { listParameters } from "../../src/runtime/governance/parameters.ts";
import { proposals } from "../../src/runtime/governance/store.ts";
import { LOCAL_POLICY, NO_CHARTER } from "../../src/runtime/policy/presets.ts";
import { charterCell } from "../../src/runtime/policy/store.ts";
import type { Call } from "../../src/types/calls.ts";
import type { Change, ProposalId } from "../../src/types/governance.ts";
import { type Chain, TFT, accountOf, cid, world } from "./runtime-harness.ts";

const MINUTE = 60_000;
const UP = { up: ["node1", "node2"] };
const propose = (change: Change): Call => ({ type: "governance.propose", change, document: null });
const price = (value: number): Change => ({ type: "parameter", name: "pricing.cuMicroUsdPerHour", value });
const vote = (chain: Chain, proposalId: ProposalId, approve = true, farm = true): Call => ({
  type: "governance.vote",
  proposalId,
  farmId: farm ? chain.read.farmByName("farm")!.id : null,
  approve,
});
const veto = (chain: Chain, proposalId: ProposalId, farm = true): Call => ({
  type: "governance.veto",
  proposalId,
  farmId: farm ? chain.read.farmByName("farm")!.id : null,
});
const only = (chain: Chain) => chain.read.proposals({})[0]!;
/** Nodes that are proven, and a stake of 100 TFT: half of what weighs in full (5 % of 4,000 TFT). */
function ready(): Chain {
  const chain = world({ policy: { reputation: LOCAL_POLICY.reputation } });
  chain.do("other", { type: "accounts.stake", amountUnits: 100n * TFT, level: 3 });
  // Proven as long as a vote lasts, and looked at since.
  chain.run(4 * MINUTE, UP);
  return chain;
}

/** A proposal on which two may vote who together are a fifth of all power. */
function twoVoters() {
  const chain = ready();
  chain.do("user", { type: "accounts.stake", amountUnits: 60n * TFT, level: 3 });
  chain.do("agent", { type: "accounts.stake", amountUnits: 20n * TFT, level: 3 });
  chain.run(1_000, UP);
  chain.do("farmer", propose(price(40_000)));
  return { chain, id: only(chain).id };
}

describe("a proposal", () => {
  it("passes by capacity and stake of different twins, waits out its lock, and is carried out", () => {
    const chain = ready();
    chain.do("user", propose(price(40_000)));
    const { id } = only(chain);
    // Two nodes of 16 CU and 5 SU: 2 x (2 x 16 + 5) = 74, in millionths.
    expect(only(chain)).toMatchObject({ farmTotal: 74_000_000n, stakeTotal: 200n * TFT, state: "voting", depositUnits: 10n * TFT });
    expect(chain.held("user")).toBe(10n * TFT);
    chain.do("farmer", vote(chain, id));
    chain.do("other", vote(chain, id, true, false));
    expect(only(chain)).toMatchObject({ ayes: 1_500_000, nays: 0, ayeVoters: 2 });
    // A second more: the end of the vote may be gathered with other work of its time.
    chain.run(2 * MINUTE + 1_000, UP);
    expect(only(chain)).toMatchObject({ state: "passed", depositUnits: 0n });
    expect(chain.held("user")).toBe(0n);
    chain.refuse("governance.not_voting", "farmer", vote(chain, id, false));
    chain.run(50_000, UP);
    // The lock holds until its end.
    expect([only(chain).state, chain.read.pricing().cuMicroUsdPerHour]).toEqual(["passed", 30_560]);
    chain.run(15_000, UP);
    expect([only(chain).state, chain.read.pricing().cuMicroUsdPerHour]).toEqual(["executed", 40_000]);
  });

  it("never passes by one key, however heavy, not even with farm and stake together", () => {
    const chain = ready();
    chain.do("farmer", { type: "accounts.stake", amountUnits: 400n * TFT, level: 3 });
    chain.run(1_000, UP);
    chain.do("farmer", propose(price(40_000)));
    const { id } = only(chain);
    chain.do("farmer", vote(chain, id), vote(chain, id, true, false));
    expect(only(chain)).toMatchObject({ ayes: 1_800_000, ayeVoters: 1 });
    chain.run(3 * MINUTE, UP);
    expect(only(chain).state).toBe("rejected");
    expect(chain.read.pricing().cuMicroUsdPerHour).toBe(30_560);
  });

  it("counts the newest word of each: a changed vote moves its weight", () => {
    const chain = ready();
    chain.do("user", propose(price(40_000)));
    const { id } = only(chain);
    chain.do("farmer", vote(chain, id));
    chain.do("other", vote(chain, id, true, false));
    chain.do("farmer", vote(chain, id), vote(chain, id, false));
    expect(only(chain)).toMatchObject({ ayes: 500_000, nays: 1_000_000, ayeVoters: 1 });
    chain.run(3 * MINUTE, UP);
    expect(only(chain).state).toBe("rejected");
    expect(chain.held("user")).toBe(0n);
  });

  it("needs its quorum, also when all who vote are in favour", () => {
    const { chain, id } = twoVoters();
    // 180 TFT are staked, 200 weigh in full: 60/200 and 20/200 of one side, 300,000 + 100,000 of the 2,000,000 of both: 20 %.
    chain.do("user", vote(chain, id, true, false));
    chain.do("agent", vote(chain, id, true, false));
    expect(only(chain)).toMatchObject({ ayes: 400_000, nays: 0, ayeVoters: 2 });
    // A unit of power less is less than 20 %.
    proposals.put(chain.state, id, { ...only(chain), ayes: 399_999 });
    chain.run(2 * MINUTE + 1_000, UP);
    expect(only(chain)).toMatchObject({ state: "rejected" });
    expect(chain.read.pricing().cuMicroUsdPerHour).toBe(30_560);
  });

  it("needs more for it than against it, however many are for it; as many are too few", () => {
    for (const [nays, state] of [[1_000_000, "rejected"], [400_000, "rejected"], [399_999, "passed"]] as const) {
      const { chain, id } = twoVoters();
      chain.do("user", vote(chain, id, true, false));
      chain.do("agent", vote(chain, id, true, false));
      chain.do("farmer", vote(chain, id, false));
      expect(only(chain)).toMatchObject({ ayes: 400_000, nays: 1_000_000, ayeVoters: 2 });
      proposals.put(chain.state, id, { ...only(chain), nays });
      chain.run(2 * MINUTE + 1_000, UP);
      expect([nays, only(chain).state]).toEqual([nays, state]);
    }
  });

  it("loses its deposit when nobody cared", () => {
    const chain = ready();
    const pool = chain.free("pool");
    const { feeUnits } = chain.do("user", propose(price(40_000)));
    chain.run(3 * MINUTE, UP);
    expect([only(chain).state, chain.free("pool") - pool - feeUnits]).toEqual(["rejected", 10n * TFT]);
  });

  it("is stopped in its lock by vetoes of different twins, each counted once", () => {
    const chain = ready();
    chain.do("user", propose(price(40_000)));
    const { id } = only(chain);
    chain.refuse("governance.not_locked", "farmer", veto(chain, id));
    chain.do("farmer", vote(chain, id));
    chain.do("other", vote(chain, id, true, false));
    chain.run(2 * MINUTE + 1_000, UP);
    chain.do("farmer", veto(chain, id));
    chain.refuse("governance.already_vetoed", "farmer", veto(chain, id));
    expect(only(chain)).toMatchObject({ state: "passed", vetoes: 1_000_000, vetoVoters: 1 });
    chain.do("other", veto(chain, id, false));
    expect(only(chain).state).toBe("vetoed");
    chain.run(2 * MINUTE, UP);
    expect(chain.read.pricing().cuMicroUsdPerHour).toBe(30_560);
  });
});

describe("who weighs", () => {
  it("neither new nodes, nor nodes that are down, nor stake that came later", () => {
    const chain = ready();
    chain.do("user", propose(price(40_000)));
    const { id } = only(chain);
    chain.makeNode("node3");
    chain.do("user", { type: "accounts.stake", amountUnits: 100n * TFT, level: 3 });
    chain.refuse("governance.no_power", "user", vote(chain, id, true, false));
    chain.refuse("farms.not_owner", "user", vote(chain, id));
    chain.run(80_000, { up: ["node1", "node3"] });
    chain.do("farmer", vote(chain, id));
    // node2 fell silent, node3 came after the proposal: node1 alone is half of what was counted.
    expect(only(chain).ayes).toBe(500_000);
  });

  it("nor stake that may be gone before the vote has ended", () => {
    const chain = ready();
    // A lock of 15 minutes; the other one's is three hours.
    chain.do("agent", { type: "accounts.stake", amountUnits: 100n * TFT, level: 0 });
    chain.run(14 * MINUTE, { stepMs: MINUTE });
    chain.do("user", propose(price(40_000)));
    const { id } = only(chain);
    chain.refuse("governance.no_power", "agent", vote(chain, id, false, false));
    chain.do("other", vote(chain, id, false, false));
    expect(only(chain).nays).toBeGreaterThan(0);
  });
});

describe("ranges", () => {
  it("hold: no proposal leads out of them", () => {
    const chain = ready();
    const refused: readonly (readonly [string, Change])[] = [
      ["governance.out_of_range", price(1_000_001)],
      ["governance.out_of_range", price(99)],
      ["governance.out_of_range", { type: "parameter", name: "governance.minVoters", value: 1 }],
      ["governance.out_of_range", { type: "parameter", name: "split.farmerPercent", value: 70 }],
      ["governance.unknown_parameter", { type: "parameter", name: "pricing.tftPriceMicroUsd", value: 1 }],
      ["governance.unknown_parameter", { type: "parameter", name: "toString", value: 1 }],
      ["governance.bad_change", { type: "upgrade", stateVersion: 2, atHeight: 1 }],
      ["governance.bad_change", { type: "certifiers", accounts: [accountOf("user"), accountOf("user")] }],
    ];
    for (const [code, change] of refused) chain.refuse(code, "user", propose(change));
  });

  it("and terms only go forward", () => {
    const chain = world();
    charterCell.put(chain.state, { ...NO_CHARTER, terms: { version: 2, document: cid("terms") } });
    for (const version of [1, 2]) chain.refuse("governance.bad_change", "user", propose({ type: "terms", version, document: cid("other terms") }));
    chain.do("user", propose({ type: "terms", version: 3, document: cid("other terms") }));
  });

  it("contain every number that a chain begins with, on the main network", () => {
    const chain = world({ preset: "main" });
    const outside = listParameters(chain.state).filter(({ value, min, max }) => value < min || value > max);
    expect(outside).toEqual([]);
  });

  it("are asked again when the change is carried out", () => {
    const chain = ready();
    // Each is fine alone; together farmer and foundation would get more than all.
    chain.do("user", propose({ type: "parameter", name: "split.farmerPercent", value: 60 }), propose({ type: "parameter", name: "split.foundationPercent", value: 50 }));
    for (const { id } of chain.read.proposals({})) {
      chain.do("farmer", vote(chain, id));
      chain.do("other", vote(chain, id, true, false));
    }
    chain.run(4 * MINUTE, UP);
    expect(chain.read.proposals({}).map(({ state }) => state)).toEqual(["executed", "failed"]);
    expect(chain.read.policy().split).toMatchObject({ farmerPercent: 60, foundationPercent: 40 });
  });
});

describe("what is decided beside numbers", () => {
  it("offices, terms, operating system, validators, upgrade", () => {
    const chain = ready();
    const validators = [{ publicKey: accountOf("v1"), power: 10 }];
    const changes: readonly Change[] = [
      { type: "certifiers", accounts: [accountOf("other")] },
      { type: "feeders", accounts: [accountOf("other"), accountOf("user")] },
      { type: "validators", validators },
      { type: "os_release", version: "1.2.0", document: cid("os") },
      { type: "terms", version: 1, document: cid("terms") },
      { type: "upgrade", stateVersion: 2, atHeight: 1_000_000 },
    ];
    chain.do("user", ...changes.map(propose));
    for (const { id } of chain.read.proposals({})) {
      chain.do("farmer", vote(chain, id));
      chain.do("other", vote(chain, id, true, false));
    }
    chain.run(4 * MINUTE, UP);
    expect(chain.read.charter()).toEqual({
      certifiers: [accountOf("other")],
      feeders: [accountOf("other"), accountOf("user")],
      osRelease: { version: "1.2.0", document: cid("os") },
      terms: { version: 1, document: cid("terms") },
      upgrade: { stateVersion: 2, atHeight: 1_000_000 },
    });
    expect(chain.read.validatorSet()).toMatchObject({ validators, version: 1 });
    for (let index = 0; index < 16; index += 1) chain.do("farmer", propose(price(30_000 + index)));
    chain.refuse("governance.too_many", "farmer", propose(price(50_000)));
  });
});
