import { describe, expect, it } from "vitest";
import { MAIN_POLICY } from "../../src/runtime/policy/presets.ts";
import { fadeBy } from "../../src/runtime/reputation/fade.ts";
import { books } from "../../src/runtime/rewards/books.ts";
import { rewardUnits } from "../../src/runtime/rewards/formula.ts";
import type { Call } from "../../src/types/calls.ts";
import { type Chain, TFT, accountOf, makeSolution, nodeCall, partCall, world } from "./runtime-harness.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const { rewards } = MAIN_POLICY;
const full = { rewards, cuMicro: 1_000_000n, suMicro: 0n, provenMs: rewards.periodMs, publicBytes: 0, ipv4Ms: 0, certified: false, connectionMicroUsd: 80_000 };

describe("the formula, by the worked examples", () => {
  it("a CU earns 30 TFT a period, an SU 12.5, a GB 0.375, an hour of an address 0.0625", () => {
    expect(rewardUnits(full)).toBe(30n * TFT);
    expect(rewardUnits({ ...full, cuMicro: 0n, suMicro: 1_000_000n })).toBe(125_000_000n);
    expect(rewardUnits({ ...full, cuMicro: 0n, publicBytes: 1_000_000_000 })).toBe(3_750_000n);
    expect(rewardUnits({ ...full, cuMicro: 0n, ipv4Ms: HOUR })).toBe(625_000n);
  });

  it("certified x1.25, linear in proven time, at the frozen price, one rounding down", () => {
    expect(rewardUnits({ ...full, certified: true })).toBe(375_000_000n);
    expect(rewardUnits({ ...full, provenMs: Math.floor(rewards.periodMs * 0.96) })).toBe(288_000_000n);
    expect(rewardUnits({ ...full, connectionMicroUsd: 160_000 })).toBe(15n * TFT);
    // 2.4 USD at 0.07: 34.2857142857... TFT.
    expect(rewardUnits({ ...full, connectionMicroUsd: 70_000 })).toBe(342_857_142n);
  });
});

/** Periods of ten minutes; heartbeats each 5 s. */
const PERIOD = 10 * MINUTE;
const quick = (over: Partial<typeof rewards> = {}, rest: ConstructorParameters<typeof Chain>[0] = {}): Chain =>
  world({ policy: { rewards: { ...rewards, periodMs: PERIOD, ...over } }, ...rest });
const receipts = (chain: Chain, name = "node1") => chain.read.rewards(chain.nodeOf(name));
const untilPeriodEnd = (chain: Chain, up: readonly string[]): void => chain.run(PERIOD - (chain.timeMs % PERIOD), { up });

describe("a period", () => {
  it("pays 16 CU and 5 SU 542.5 TFT, less what heartbeats do not vouch for, by minting", () => {
    const chain = quick();
    untilPeriodEnd(chain, ["node1", "node2"]);
    const [before, supply] = [chain.free("farmer"), chain.read.supply()];
    chain.run(PERIOD, { up: ["node1", "node2"] });
    const rows = ["node1", "node2"].map((name) => receipts(chain, name).at(-1)!);
    const [first] = rows;
    expect(first).toMatchObject({ outcome: "paid", cuMicro: 16_000_000n, suMicro: 5_000_000n, fromMs: chain.timeMs - PERIOD, toMs: chain.timeMs });
    // 16 x 2.4 + 5 x 1 = 43.4 USD; at 0.08: 542.5 TFT for the whole period.
    expect(first!.amountUnits).toBe((5_425_000_000n * BigInt(first!.provenMs)) / BigInt(PERIOD));
    expect(first!.uptimePermille).toBeGreaterThan(980);
    const minted = rows.reduce((sum, { amountUnits }) => sum + amountUnits, 0n);
    expect(chain.free("farmer") - before).toBe(minted);
    expect(chain.read.supply().mintedUnits - supply.mintedUnits).toBe(minted);
  });

  it("pays nothing below 95 %, and the receipt says why", () => {
    const chain = quick();
    untilPeriodEnd(chain, ["node1", "node2"]);
    chain.run(9 * MINUTE, { up: ["node1", "node2"] });
    chain.run(MINUTE, { up: ["node2"] });
    expect(receipts(chain).at(-1)).toMatchObject({ outcome: "low_uptime", amountUnits: 0n });
    expect(receipts(chain, "node2").at(-1)?.outcome).toBe("paid");
  });

  it("counts the least capacity that the node had, and freezes the price at registration", () => {
    const chain = quick();
    untilPeriodEnd(chain, ["node1"]);
    const node = chain.read.node(chain.nodeOf("node1"))!;
    const { location, interfaces, meshKey, meshEndpoints, isolation, softwareVersion } = node;
    const update = (cpuMilli: number): Call => ({
      type: "nodes.update",
      nodeId: node.id,
      total: { ...node.total, cpuMilli },
      location,
      interfaces,
      meshKey,
      meshEndpoints,
      isolation,
      softwareVersion,
    });
    chain.do("node1", update(4_000), update(64_000));
    chain.run(PERIOD, { up: ["node1"] });
    // 4 cores and 64 GiB: min(max(16, 2), max(8, 4), max(32, 1)) = 8 CU.
    expect(receipts(chain).at(-1)).toMatchObject({ cuMicro: 8_000_000n, connectionMicroUsd: 80_000 });
  });

  it("pays for traffic and addresses that were billed", () => {
    const chain = quick({ cuMilliUsd: 0, suMilliUsd: 0 });
    const farmId = chain.read.farmByName("farm")!.id;
    chain.do("farmer", { type: "farms.add_ip", farmId, ip: "185.69.166.10/24", gateway: "185.69.166.1" });
    untilPeriodEnd(chain, ["node1"]);
    chain.do("user", nodeCall(chain, { publicIps: 1 }));
    const { id } = chain.read.contracts({})[0]!;
    chain.run(MINUTE, { up: ["node1"] });
    chain.do("node1", { type: "contracts.report_usage", contractId: id, publicBytes: 1_000_000_000 });
    chain.do("user", { type: "contracts.cancel", contractId: id });
    untilPeriodEnd(chain, ["node1"]);
    const row = receipts(chain).at(-1)!;
    expect(row).toMatchObject({ publicBytes: 1_000_000_000, outcome: "paid" });
    // 0.03 USD for the traffic, 0.005 an hour for the address; at 0.08.
    expect(row.amountUnits).toBe(3_750_000n + (625_000n * BigInt(row.ipv4Ms)) / BigInt(HOUR));
    expect(row.ipv4Ms).toBeGreaterThan(59_000);
  });

  it("counts no more than nine petabytes, and a node that claims more is billed for as ever", () => {
    const chain = quick({ cuMilliUsd: 0, suMilliUsd: 0 });
    untilPeriodEnd(chain, ["node1"]);
    chain.do("user", nodeCall(chain));
    const { id } = chain.read.contracts({})[0]!;
    chain.run(MINUTE, { up: ["node1"] });
    const node = chain.nodeOf("node1");
    books.put(chain.state, node, { ...books.get(chain.state, node)!, publicBytes: Number.MAX_SAFE_INTEGER - 1 });
    chain.do("node1", { type: "contracts.report_usage", contractId: id, publicBytes: 1_000_000_000 });
    chain.do("user", { type: "contracts.cancel", contractId: id });
    expect(books.get(chain.state, node)?.publicBytes).toBe(Number.MAX_SAFE_INTEGER);
  });

  it("pays nothing to a node that two certifiers contradicted; one is not enough", () => {
    const chain = quick({}, { charter: { certifiers: ["other", "agent"].map(accountOf) } });
    const report: Call = { type: "nodes.report_violation", nodeId: chain.nodeOf("node1"), code: "nodes.no_such_disk" };
    untilPeriodEnd(chain, ["node1", "node2"]);
    chain.refuse("governance.not_a_certifier", "user", report);
    chain.do("other", report, { ...report, nodeId: chain.nodeOf("node2") });
    chain.refuse("nodes.violation_known", "other", report);
    chain.do("agent", report);
    chain.run(PERIOD, { up: ["node1", "node2"] });
    expect([receipts(chain).at(-1)?.outcome, receipts(chain, "node2").at(-1)?.outcome]).toEqual(["violation", "paid"]);
    const { score } = chain.read.reputation({ nodeId: chain.nodeOf("node1") });
    expect(chain.read.reputation({ nodeId: chain.nodeOf("node2") }).score - score).toBe(100);
  });

  it("stops at the cap of the supply", () => {
    // Four rich accounts of 1,000 TFT: room for 1 TFT.
    const chain = quick({ supplyCapUnits: 4_001n * TFT });
    untilPeriodEnd(chain, ["node1", "node2"]);
    chain.run(PERIOD, { up: ["node1", "node2"] });
    expect(chain.read.supply().totalUnits).toBe(4_001n * TFT);
    expect(receipts(chain, "node2").at(-1)).toMatchObject({ outcome: "supply_cap", amountUnits: 0n });
  });

  it("is closed for a node that leaves", () => {
    const chain = quick();
    untilPeriodEnd(chain, ["node1", "node2"]);
    chain.run(5 * MINUTE, { up: ["node1"] });
    const id = chain.nodeOf("node1");
    chain.do("farmer", { type: "nodes.delete", nodeId: id });
    const last = chain.read.rewards(id).at(-1)!;
    expect(last).toMatchObject({ outcome: "paid" });
    expect(last.amountUnits).toBe((5_425_000_000n * BigInt(last.provenMs)) / BigInt(PERIOD));
  });
});

describe("reputation", () => {
  const DAY = 24 * HOUR;
  /** Evidence each minute, a half-life of 30 minutes. */
  const watched = (): Chain => world({ policy: { reputation: { halfLifeMs: 30 * MINUTE, evidenceMs: MINUTE, noticeMs: MINUTE } } });
  const of = (chain: Chain, name = "node1") => chain.read.reputation({ nodeId: chain.nodeOf(name) });

  it("fades to a half in thirty steps, always rounding down", () => {
    expect([0, 30, 60, 300].map((steps) => fadeBy(1_000_000n, steps))).toEqual([1_000_000n, 500_000n, 250_000n, 976n]);
    // 10^6 x 2^(-1/30) = 977,159.968...
    expect(fadeBy(1_000_000n, 1)).toBe(977_159n);
    expect(fadeBy(2n ** 62n, 64 * 30)).toBe(0n);
    expect(DAY).toBe(30 * 48 * MINUTE);
  });

  it("is neutral without evidence, grows with proven time, falls with silence", () => {
    const chain = watched();
    expect(of(chain)).toMatchObject({ score: 500, confidence: 0 });
    chain.run(20 * MINUTE, { up: ["node1", "node2"] });
    const good = of(chain);
    expect(good.score).toBeGreaterThan(600);
    expect(good.confidence).toBeGreaterThan(200);
    chain.run(20 * MINUTE, { up: ["node2"] });
    expect(of(chain).score).toBeLessThan(good.score - 50);
    expect(of(chain, "node2").score).toBeGreaterThan(good.score);
    // The farm stands between its nodes.
    const farm = chain.read.reputation({ farmId: chain.read.farmByName("farm")!.id }).score;
    expect(farm).toBeGreaterThan(of(chain).score);
    expect(farm).toBeLessThan(of(chain, "node2").score);
  });

  it("counts announced downtime a quarter", () => {
    const chain = watched();
    chain.run(MINUTE, { up: ["node1", "node2"] });
    chain.do("farmer", { type: "nodes.set_maintenance", nodeId: chain.nodeOf("node1"), mode: "drain", noticeUntilMs: chain.timeMs + 2 * MINUTE });
    chain.do("farmer", { type: "nodes.set_maintenance", nodeId: chain.nodeOf("node2"), mode: "drain", noticeUntilMs: 0 });
    chain.run(10 * MINUTE, { stepMs: MINUTE });
    expect(of(chain).evidence.announcedDownMs).toBeGreaterThan(8 * MINUTE);
    expect(of(chain, "node2").evidence.downMs).toBeGreaterThan(8 * MINUTE);
    expect(of(chain).score).toBeGreaterThan(of(chain, "node2").score);
  });

  it("weighs contracts by money, and agents that had to leave a dead node", () => {
    const chain = watched();
    const solution = makeSolution(chain);
    chain.do("user", nodeCall(chain));
    chain.do("agent", partCall(chain, solution));
    chain.run(5 * MINUTE, { up: ["node1"] });
    const [plain, part] = chain.read.contracts({});
    chain.do("user", { type: "contracts.cancel", contractId: plain!.id });
    const { billedUnits } = chain.read.contracts({})[0]!;
    expect(of(chain).evidence).toMatchObject({ fulfilledUnits: billedUnits, failedUnits: 0n });
    chain.run(2 * MINUTE, { stepMs: 5_000 });
    chain.do("agent", { type: "contracts.cancel", contractId: part!.id });
    expect(of(chain).evidence.failedUnits).toBe(chain.read.contract(part!.id)!.billedUnits + 8_855_000n);
  });

  it("hears who paid, by what was paid; nobody twice for the same money, no farmer about himself", () => {
    const chain = watched();
    chain.do("user", nodeCall(chain));
    chain.do("farmer", nodeCall(chain));
    const [own, self] = chain.read.contracts({});
    const review = (contractId: typeof own, score: number): Call => ({ type: "reputation.review", contractId: contractId!.id, score });
    chain.refuse("reputation.nothing_paid", "user", review(own, 100));
    chain.run(MINUTE, { up: ["node1"] });
    chain.refuse("contracts.not_owner", "other", review(own, 0));
    chain.refuse("reputation.nothing_paid", "farmer", review(self, 100));
    const { billedUnits } = chain.read.contract(own!.id)!;
    chain.do("user", review(own, 80));
    expect(of(chain).evidence).toMatchObject({ reviewedUnits: billedUnits, praisedUnits: (billedUnits * 80n) / 100n });
    chain.refuse("reputation.nothing_paid", "user", review(own, 80));
  });

  it("of a twin tells whether it paid", () => {
    const chain = world({ params: { graceMs: MINUTE } });
    chain.do("user", nodeCall(chain, { depositUnits: 100_000n }));
    chain.do("other", nodeCall(chain));
    chain.run(3 * MINUTE, { up: ["node1"], stepMs: 5_000 });
    chain.do("other", { type: "contracts.cancel", contractId: chain.read.contracts({})[1]!.id });
    const score = (name: string): number => chain.read.reputation({ twinId: chain.twin(name) }).score;
    expect(score("user")).toBeLessThanOrEqual(500);
    expect(score("other")).toBeGreaterThanOrEqual(500);
    expect(chain.read.reputation({ twinId: chain.twin("other") }).evidence.failedUnits).toBe(0n);
  });
});
