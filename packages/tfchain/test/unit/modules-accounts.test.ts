import { encode } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { coverUnits } from "../../src/runtime/accounts/stake.ts";
import { MAIN_POLICY, NO_CHARTER } from "../../src/runtime/policy/presets.ts";
import { charterCell } from "../../src/runtime/policy/store.ts";
import { type Call, keyRotationBody } from "../../src/types/calls.ts";
import { type Chain, CHAIN, TFT, accountOf, cid, keyOf, makeSolution, nodeCall, partCall, share, twinCall, world } from "./runtime-harness.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Hourly bills, a heartbeat each 10 minutes, months of 720 hours: as on the main network. */
const mainWorld = (): Chain =>
  world({
    params: { settlementIntervalMs: HOUR, heartbeatIntervalMs: 10 * MINUTE, graceMs: 24 * HOUR },
    policy: { stake: MAIN_POLICY.stake },
  });
const hour = (chain: Chain): void => chain.run(HOUR, { up: ["node1", "node2"], stepMs: 5 * MINUTE });
const stake = (amountUnits: bigint, level: number): Call => ({ type: "accounts.stake", amountUnits, level });
const discount = (chain: Chain, name = "user") => chain.read.discount(chain.twin(name)).percent;

describe("stake", () => {
  it("1.5 months of 0.8855 TFT an hour are 956.34 TFT", () => {
    // 8,855,000 units x 1,080 h = 9,563,400,000 units.
    expect(coverUnits(8_855_000n, 3, MAIN_POLICY.stake.monthMs)).toBe(9_563_400_000n);
    // 1/3 of a unit more is needed in full: 1 unit an hour for 40 minutes.
    expect(coverUnits(1n, 1, 80 * MINUTE)).toBe(1n);
  });

  it("takes 20 % off an hour that cost 8,855,000 units, and the split is of what is paid", () => {
    const chain = mainWorld();
    chain.do("user", stake(957n * TFT, 0), nodeCall(chain));
    expect(discount(chain)).toBe(20);
    const before = ["farmer", "foundation", "pool"].map((name) => chain.free(name));
    hour(chain);
    const [contract] = chain.read.contracts({});
    expect(contract).toMatchObject({ billedUnits: 7_084_000n, escrowUnits: 10n * TFT - 7_084_000n });
    const after = ["farmer", "foundation", "pool"].map((name) => chain.free(name));
    expect(after.map((units, index) => units - (before[index] ?? 0n))).toEqual([3_542_000n, 2_833_600n, 708_400n]);
    expect(chain.events.findLast(({ type }) => type === "contracts.billed")).toMatchObject({ discountPercent: 20 });
  });

  it("counts against the total: a second contract of the same twin halves what the stake covers", () => {
    const chain = mainWorld();
    chain.do("user", stake(957n * TFT, 3), nodeCall(chain));
    // The lock is 18 months, the money covers 1.5.
    expect(discount(chain)).toBe(20);
    // Far enough apart that their bills are not gathered: each comes when its hour is over.
    chain.run(1_000);
    chain.do("user", nodeCall(chain));
    expect(chain.read.discount(chain.twin("user"))).toEqual({ percent: 0, spendPerHourUnits: 17_710_000n });
    hour(chain);
    expect(chain.read.contracts({}).map(({ billedUnits }) => billedUnits)).toEqual([8_855_000n, 8_855_000n]);
    chain.do("user", { type: "contracts.cancel", contractId: chain.read.contracts({})[1]!.id });
    expect(discount(chain)).toBe(20);
  });

  it("the level bounds the discount however much is locked", () => {
    const chain = world({ policy: { stake: { ...MAIN_POLICY.stake, monthMs: HOUR } } });
    const small = nodeCall(chain, { resources: { cpuMilli: 100, memoryBytes: 2 ** 27, ssdBytes: 0, hddBytes: 0 } });
    for (const [level, percent] of [20, 30, 40, 60].entries()) {
      chain.do("user", stake(TFT, level), ...(level === 0 ? [small] : []));
      expect(discount(chain)).toBe(percent);
    }
    chain.refuse("accounts.stake_too_short", "user", stake(TFT, 0));
    chain.refuse("accounts.no_such_level", "user", stake(TFT, 4));
  });

  it("solutions' parts count as their owner's spend and get his discount", () => {
    const chain = mainWorld();
    const solution = makeSolution(chain, { depositUnits: 20n * TFT });
    chain.do("agent", partCall(chain, solution));
    chain.do("user", stake(957n * TFT, 0));
    expect([discount(chain), discount(chain, "agent")]).toEqual([20, 0]);
    const escrow = 20n * TFT;
    hour(chain);
    const paid = escrow - chain.read.solution(solution.id)!.escrowUnits;
    expect(paid).toBe(chain.read.contracts({})[0]!.billedUnits);
    expect(paid).toBe(7_084_000n);
  });

  it("is held until it unlocks, gives nothing afterwards, and comes back whole", () => {
    const chain = world({ policy: { stake: { ...MAIN_POLICY.stake, monthMs: MINUTE } } });
    chain.refuse("accounts.no_stake", "user", { type: "accounts.unstake" });
    const before = chain.free("user");
    const { feeUnits } = chain.do("user", stake(7n * TFT, 0));
    expect([chain.held("user"), chain.free("user")]).toEqual([7n * TFT, before - 7n * TFT - feeUnits]);
    chain.refuse("accounts.stake_locked", "user", { type: "accounts.unstake" });
    expect(discount(chain)).toBe(20);
    chain.run(90_000, { up: ["node1"] });
    expect(discount(chain)).toBe(0);
    chain.do("user", { type: "accounts.unstake" });
    expect([chain.held("user"), chain.read.stake(chain.twin("user"))]).toEqual([0n, undefined]);
  });
});

describe("supply", () => {
  it("is what the genesis gave less what was burned", () => {
    const chain = world();
    const { genesisUnits } = chain.read.supply();
    chain.do("user", { type: "accounts.burn", amountUnits: 3n * TFT });
    expect(chain.read.supply()).toEqual({ genesisUnits, mintedUnits: 0n, burnedUnits: 3n * TFT, totalUnits: genesisUnits - 3n * TFT });
    chain.refuse("accounts.insufficient_balance", "user", { type: "accounts.burn", amountUnits: 5_000n * TFT });
  });
});

describe("a twin's key", () => {
  const rotation = (chain: Chain, name: string, by: string, over: { readonly expiresAtMs?: number } = {}): Call => {
    const { expiresAtMs = chain.timeMs + MINUTE } = over;
    const body = { chainId: CHAIN, twinId: chain.twin(name), account: accountOf(by), expiresAtMs };
    const proof = keyOf(by).sign("tfgrid/rotate-key/v1", encode(keyRotationBody, body));
    return { type: "twins.rotate_key", account: accountOf(by), encryptionKey: keyOf(by).encryptionKey, expiresAtMs, proof };
  };

  it("changes with everything that is held, and the old one is worth nothing", () => {
    const chain = world();
    chain.do("user", nodeCall(chain), stake(5n * TFT, 0));
    const [twin, free] = [chain.twin("user"), chain.free("user")];
    const { feeUnits } = chain.do("user", rotation(chain, "user", "newkey"));
    expect(chain.read.account(accountOf("user"))).toMatchObject({ freeUnits: 0n, heldUnits: 0n });
    expect(chain.read.account(accountOf("newkey"))).toMatchObject({ freeUnits: free - feeUnits, heldUnits: 15n * TFT });
    expect(chain.read.twin(twin)).toMatchObject({ account: accountOf("newkey"), encryptionKey: keyOf("newkey").encryptionKey });
    expect(chain.read.twinByAccount(accountOf("user"))).toBeUndefined();
    // Contracts go on: cancelled by the new key, refunded to it.
    chain.do("newkey", { type: "contracts.cancel", contractId: chain.read.contracts({})[0]!.id });
    expect(chain.held("newkey")).toBe(5n * TFT);
  });

  it("needs the new key's word, in time, and a key without a twin", () => {
    const chain = world();
    chain.refuse("twins.bad_rotation_proof", "user", rotation(chain, "user", "newkey", { expiresAtMs: chain.timeMs }));
    const stolen = { ...rotation(chain, "other", "newkey") } as Call;
    chain.refuse("twins.bad_rotation_proof", "user", stolen);
    chain.refuse("twins.already_exists", "user", rotation(chain, "user", "other"));
  });

  it("is handed over in two steps; either side alone does nothing", () => {
    const chain = world();
    const twin = chain.twin("user");
    const accept: Call = { type: "twins.accept", twinId: twin, relays: ["r"], encryptionKey: keyOf("buyer").encryptionKey };
    chain.do("farmer", { type: "accounts.transfer", to: accountOf("buyer"), amountUnits: TFT });
    chain.refuse("twins.not_offered", "buyer", accept);
    chain.do("user", { type: "twins.offer", to: accountOf("buyer") });
    expect(chain.read.twinOffer(twin)).toBe(accountOf("buyer"));
    chain.refuse("twins.not_offered", "farmer", accept);
    chain.do("user", { type: "twins.offer", to: null });
    chain.refuse("twins.not_offered", "buyer", accept);
    chain.do("user", { type: "twins.offer", to: accountOf("buyer") }, nodeCall(chain));
    const free = chain.free("user");
    chain.do("buyer", accept);
    expect([chain.free("user"), chain.held("user"), chain.held("buyer")]).toEqual([free, 0n, 10n * TFT]);
    expect(chain.read.twin(twin)).toMatchObject({ account: accountOf("buyer"), relays: ["r"] });
  });
});

describe("closing an account", () => {
  it("waits for everything that depends on the twin", () => {
    const chain = world();
    const close: Call = { type: "twins.close" };
    const open = (name: string): unknown => chain.refuse("twins.still_needed", name, close).error?.details?.["open"];
    expect(open("farmer")).toEqual(["farms"]);
    const solution = makeSolution(chain, { signers: [["user", 1], ["other", 1]] });
    chain.do("agent", partCall(chain, solution, { networks: [share(1)] }));
    expect([open("agent"), open("other")]).toEqual([["solutions"], ["solutions"]]);
    expect(open("user")).toEqual(["solutions", "contracts", "money on hold"]);
    chain.do("user", { type: "solutions.cancel", solutionId: solution.id });
    const id = chain.twin("other");
    chain.do("other", close);
    expect([chain.read.twin(id), chain.read.twinByAccount(accountOf("other"))]).toEqual([undefined, undefined]);
    chain.do("other", twinCall("other"));
    expect(chain.twin("other")).toBeGreaterThan(id);
  });
});

describe("terms", () => {
  it("a new version must be accepted before anything new, and running solutions are still healed", () => {
    const chain = world();
    const solution = makeSolution(chain);
    charterCell.put(chain.state, { ...NO_CHARTER, terms: { version: 2, document: cid("terms") } });
    chain.refuse("twins.terms_not_accepted", "user", nodeCall(chain));
    chain.do("agent", partCall(chain, solution));
    chain.refuse("twins.other_terms", "user", { type: "twins.accept_terms", version: 1 });
    chain.do("user", { type: "twins.accept_terms", version: 2 }, nodeCall(chain));
    expect(chain.read.acceptedTerms(chain.twin("user"))).toMatchObject({ version: 2, document: cid("terms") });
    charterCell.put(chain.state, { ...NO_CHARTER, terms: { version: 3, document: cid("terms3") } });
    chain.refuse("twins.terms_not_accepted", "user", nodeCall(chain));
  });

  it("are the holder's word: who takes over a twin has agreed to nothing yet", () => {
    const chain = world({ rich: ["farmer", "user", "agent", "other", "buyer"] });
    charterCell.put(chain.state, { ...NO_CHARTER, terms: { version: 2, document: cid("terms") } });
    const twin = chain.twin("user");
    chain.do("user", { type: "twins.accept_terms", version: 2 }, { type: "twins.offer", to: accountOf("buyer") });
    chain.do("buyer", { type: "twins.accept", twinId: twin, relays: [], encryptionKey: keyOf("buyer").encryptionKey });
    expect(chain.read.acceptedTerms(twin)).toBeUndefined();
    chain.refuse("twins.terms_not_accepted", "buyer", nodeCall(chain));
  });
});
