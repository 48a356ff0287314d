import type { AccountId, Hex } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { createRuntime, validatorAddressOf, validatorUpdates } from "../../src/runtime/index.ts";
import { LOCAL_POLICY } from "../../src/runtime/policy/presets.ts";
import type { Change } from "../../src/types/governance.ts";
import type { MisbehaviourReport, Validator } from "../../src/types/validators.ts";
import { Chain, TFT, accountOf, world } from "./runtime-harness.ts";

const MINUTE = 60_000;
const UP = { up: ["node1", "node2"] };
const one = (name: string, power = 10): Validator => ({ publicKey: accountOf(name), power });
const sorted = (...rows: Validator[]): Validator[] => rows.toSorted((a, b) => (a.publicKey < b.publicKey ? -1 : 1));
const FIRST = sorted(one("v1"), one("v2"), one("v3"), one("v4"));

function carried(chain: Chain, ...changes: Change[]): void {
  const before = chain.read.proposals({}).length;
  for (const change of changes) chain.do("user", { type: "governance.propose", change, document: null });
  for (const { id } of chain.read.proposals({ after: before })) {
    chain.do("farmer", { type: "governance.vote", proposalId: id, farmId: chain.read.farmByName("farm")!.id, approve: true });
    chain.do("other", { type: "governance.vote", proposalId: id, farmId: null, approve: true });
  }
  chain.run(4 * MINUTE, UP);
}
function ready(): Chain {
  const chain = world({ validators: FIRST.toReversed(), policy: { reputation: LOCAL_POLICY.reputation } });
  chain.do("other", { type: "accounts.stake", amountUnits: 100n * TFT, level: 3 });
  chain.run(4 * MINUTE, UP);
  return chain;
}

describe("the wanted set of validators", () => {
  it("is empty where the genesis names nobody, else the genesis', by key", () => {
    expect(world().read.validatorSet()).toEqual({ validators: [], version: 0, decidedAtHeight: 0 });
    expect(world({ validators: FIRST.toReversed() }).read.validatorSet()).toEqual({ validators: FIRST, version: 0, decidedAtHeight: 0 });
  });

  it("is replaced by governance as a whole, and says so", () => {
    const chain = ready();
    const next = sorted(one("v1"), one("v2", 20), one("v5"));
    carried(chain, { type: "validators", validators: next });
    expect(chain.read.validatorSet()).toMatchObject({ validators: next, version: 1 });
    expect(chain.read.validatorSet().decidedAtHeight).toBeGreaterThan(1);
    expect(chain.events.filter(({ type }) => type === "validators.changed")).toEqual([{ type: "validators.changed", version: 1, validators: 3, totalPower: 40 }]);
  });

  it("keeps its bounds: keys once and able to sign, power within reach; never empty", () => {
    const chain = ready();
    const bad = (validators: readonly Validator[]): void =>
      void chain.refuse("governance.bad_change", "user", { type: "governance.propose", change: { type: "validators", validators }, document: null });
    bad([one("v1"), one("v1", 20)]);
    // The point of order 1: a "key" whose signature fits every message.
    bad([{ publicKey: `01${"00".repeat(31)}` as AccountId, power: 1 }]);
    bad(Array.from({ length: 11 }, (_, index) => one(`big${index}`, 1_000_000)));
    expect(() => chain.unsigned("user", [{ type: "governance.propose", change: { type: "validators", validators: [] }, document: null }])).toThrow(/expected 1 to 100 items/);
    expect(() => world({ validators: [one("v1"), one("v1")] })).toThrow(/listed twice/);
    expect(() => world({ validators: [] })).toThrow(/validators/);
  });

  it("tells engines what has changed only, by key", () => {
    const after = sorted(one("v1"), one("v2", 20), one("v5"));
    const gone = ["v3", "v4"].map((name) => ({ publicKey: accountOf(name), power: 0 }));
    expect(validatorUpdates(FIRST, after)).toEqual(sorted(one("v2", 20), one("v5"), ...gone));
    expect(validatorUpdates(FIRST, FIRST)).toEqual([]);
    expect(validatorUpdates([], FIRST)).toEqual(FIRST);
  });
});

describe("misbehaviour", () => {
  const report = (chain: Chain, over: Partial<MisbehaviourReport> = {}): MisbehaviourReport => ({
    kind: "duplicate_vote",
    address: validatorAddressOf(accountOf("v2")),
    power: 10,
    totalPower: 40,
    height: chain.height as never,
    timeMs: chain.timeMs,
    ...over,
  });
  const blockWith = (chain: Chain, ...misbehaviour: MisbehaviourReport[]): void => {
    chain.height += 1;
    chain.timeMs += 1_000;
    chain.events.push(...createRuntime().beginBlock(chain.state, { ...chain.context(), misbehaviour }));
    expect(chain.runtime.invariants(chain.state)).toEqual([]);
  };

  it("is recorded with the key behind the address, once an offence, and found after the validator has left", () => {
    const chain = ready();
    const first = report(chain);
    blockWith(chain, first, first);
    blockWith(chain, first, { ...first, kind: "light_client_attack" });
    expect(chain.read.misbehaviours({}).map(({ id, kind, publicKey, height }) => ({ id, kind, publicKey, height }))).toEqual([
      { id: 1, kind: "duplicate_vote", publicKey: accountOf("v2"), height: first.height },
      { id: 2, kind: "light_client_attack", publicKey: accountOf("v2"), height: first.height },
    ]);
    carried(chain, { type: "validators", validators: [one("v1")] });
    blockWith(chain, report(chain, { height: (first.height + 1) as never }));
    expect(chain.read.misbehaviours({ after: 2 })[0]).toMatchObject({ publicKey: accountOf("v2"), recordedAtHeight: chain.height, recordedAtMs: chain.timeMs });
    expect(chain.events.filter(({ type }) => type === "validators.misbehaved")).toHaveLength(3);
  });

  it("of somebody unknown is recorded all the same", () => {
    const chain = ready();
    blockWith(chain, report(chain, { address: "ab".repeat(20) as Hex, kind: "unknown" }));
    expect(chain.read.misbehaviours({})[0]).toMatchObject({ publicKey: null, kind: "unknown" });
  });
});
