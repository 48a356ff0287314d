/**
 * Bills worked out by hand with the main network's numbers, every step and rounding written down. Prices in US dollars: CU 0.03056,
 * SU 0.01944, IPv4 0.00694, name 0.00694 an hour, NU 0.05 for 10^9 bytes; 1 TFT = 0.08 US dollars = 10^7 units.
 *
 * `PLAIN_RESOURCES`: 4 processors, 8 GiB, 100 GiB of SSD.
 *   CU = min(max(8/4, 4/2), max(8/8, 4), max(8/2, 4/4)) = min(2, 4, 4) = 2;  SU = 100/200 = 0.5
 *   2 x 0.03056 + 0.5 x 0.01944 = 0.07084 USD = 0.8855 TFT = 8,855,000 units an hour
 */
import { describe, expect, it } from "vitest";
import { farms } from "../../src/runtime/farms/store.ts";
import { MAIN_POLICY } from "../../src/runtime/policy/presets.ts";
import type { Contract } from "../../src/types/entities.ts";
import { type Chain, PLAIN_RESOURCES, TFT, accountOf, nodeCall, world } from "./runtime-harness.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const UP = { up: ["node1", "node2"], stepMs: 5 * MINUTE };
const RATE = 8_855_000n;

const mainWorld = (over: Parameters<typeof world>[0] = {}): Chain => world({ preset: "main", ...over });
const only = (chain: Chain): Contract => chain.read.contracts({})[0]!;
/** To a moment counted from the contract's creation, heartbeats every five minutes on the way; `do` adds the last millisecond. */
const runTo = (chain: Chain, sinceMs: number, options: Parameters<Chain["run"]>[1] = UP): void =>
  chain.run(only(chain).createdAtMs + sinceMs - chain.timeMs, options);
const NAMES = ["farmer", "foundation", "pool"] as const;
/** What farmer, foundation and validators' pool received meanwhile. Heartbeats are free, so nothing else comes to the pool. */
function received(chain: Chain, meanwhile: () => void): readonly bigint[] {
  const before = NAMES.map((name) => chain.free(name));
  meanwhile();
  return NAMES.map((name, index) => chain.free(name) - before[index]!);
}
function giveIps(chain: Chain, count: number): void {
  const farm = chain.read.farmByName("farm")!;
  farms.put(chain.state, farm.id, { ...farm, publicIps: Array.from({ length: count }, (_, index) => ({ ip: `1.2.3.${4 + index}/24`, gateway: "1.2.3.1", contractId: null })) });
}

describe("an hour", () => {
  it("is split: half to the farmer, two fifths to the foundation, the rest to the validators", () => {
    const chain = mainWorld();
    chain.do("user", nodeCall(chain, { depositUnits: 10n * TFT }));
    const shares = received(chain, () => runTo(chain, HOUR));
    // 50 % of 8,855,000 = 4,427,500;  40 % = 3,542,000;  8,855,000 - 4,427,500 - 3,542,000 = 885,500
    expect(shares).toEqual([4_427_500n, 3_542_000n, 885_500n]);
    expect(only(chain)).toMatchObject({ billedUnits: RATE, escrowUnits: 10n * TFT - RATE });
  });

  it("costs the time in which the node was up, and not the rest", () => {
    const chain = mainWorld();
    chain.do("user", nodeCall(chain, { depositUnits: 10n * TFT }));
    // The last heartbeat before the silence is at minute 20, the next at minute 50.
    runTo(chain, 20 * MINUTE);
    runTo(chain, 50 * MINUTE, { up: ["node1"], stepMs: 30 * MINUTE });
    const shares = received(chain, () => runTo(chain, HOUR));
    // 20 + 10 = 30 minutes: 8,855,000 / 2 = 4,427,500. Shares: 2,213,750;  1,771,000;  442,750
    expect(only(chain).billedUnits).toBe(4_427_500n);
    expect(shares).toEqual([2_213_750n, 1_771_000n, 442_750n]);
    const bill = chain.events.findLast((event) => event.type === "contracts.billed");
    expect(bill).toMatchObject({ amountUnits: 4_427_500n, downMs: 30 * MINUTE });
  });

  it("of a public address, of a name: 90 % to the foundation, 10 % to the validators, nothing to a farmer", () => {
    const chain = mainWorld();
    giveIps(chain, 2);
    chain.do("user", nodeCall(chain, { publicIps: 2, depositUnits: 10n * TFT }));
    // 2 x 0.00694 / 0.08 = 0.1735 TFT = 1,735,000 units beside the 8,855,000
    expect(only(chain).costPerHourUnits).toBe(10_590_000n);
    const named = mainWorld();
    named.do("user", { type: "contracts.create_name", name: "shop", gatewayNodeId: named.nodeOf("node2"), solutionId: null, depositUnits: TFT });
    const shares = received(named, () => runTo(named, HOUR));
    // 0.00694 / 0.08 = 0.08675 TFT = 867,500 units: 90 % = 780,750, the rest 86,750
    expect(shares).toEqual([0n, 780_750n, 86_750n]);
  });

  it("with traffic: by the byte, whatever the time between reports", () => {
    const chain = mainWorld();
    chain.do("user", nodeCall(chain, { depositUnits: 10n * TFT }));
    const { id: contractId } = only(chain);
    runTo(chain, 30 * MINUTE);
    chain.do("node1", { type: "contracts.report_usage", contractId, publicBytes: 1_000_000_000 });
    runTo(chain, 40 * MINUTE);
    chain.do("node1", { type: "contracts.report_usage", contractId, publicBytes: 3_000_000_000 });
    runTo(chain, HOUR);
    // 3 x 0.05 / 0.08 = 1.875 TFT = 18,750,000 units, and the hour's 8,855,000
    expect(only(chain).billedUnits).toBe(18_750_000n + RATE);
  });

  it("on a certified node: a quarter more, of the traffic too", () => {
    const chain = mainWorld({ charter: { certifiers: [accountOf("other")] } });
    chain.do("other", { type: "nodes.certify", nodeId: chain.nodeOf("node1"), certification: "certified" });
    chain.do("user", nodeCall(chain, { depositUnits: 10n * TFT }));
    runTo(chain, 30 * MINUTE);
    chain.do("node1", { type: "contracts.report_usage", contractId: only(chain).id, publicBytes: 1_000_000_000 });
    runTo(chain, HOUR);
    // 0.07084 x 1.25 = 0.08855 USD = 11,068,750 units;  0.05 x 1.25 / 0.08 = 0.78125 TFT = 7,812,500 units
    expect(only(chain)).toMatchObject({ costPerHourUnits: 11_068_750n, billedUnits: 18_881_250n });
  });
});

describe("a farm's own prices", () => {
  it("cheaper at once, from the next bill on; traffic and addresses by their own percentage", () => {
    const chain = mainWorld();
    giveIps(chain, 1);
    const farmId = chain.read.farmByName("farm")!.id;
    chain.do("user", nodeCall(chain, { publicIps: 1, depositUnits: 10n * TFT }));
    // 8,855,000 and 0.00694 / 0.08 = 867,500 for the address
    expect(only(chain).costPerHourUnits).toBe(9_722_500n);
    runTo(chain, 30 * MINUTE);
    chain.do("farmer", { type: "farms.set_pricing", farmId, terms: { computePercent: 80, ipv4Percent: 50, trafficPercent: 60, rentDiscountPercent: null } });
    chain.do("node1", { type: "contracts.report_usage", contractId: only(chain).id, publicBytes: 1_000_000_000 });
    runTo(chain, HOUR);
    // The hour at what it cost when it began, and 6,250,000 x 60 % = 3,750,000 for the traffic.
    expect(only(chain)).toMatchObject({ billedUnits: 13_472_500n, costPerHourUnits: 7_517_750n });
    const shares = received(chain, () => runTo(chain, 2 * HOUR));
    // 8,855,000 x 80 % = 7,084,000;  867,500 x 50 % = 433,750;  together 7,517,750. Halves: 3,758,875;  40 %: 3,007,100;  the rest
    expect(only(chain).billedUnits).toBe(20_990_250n);
    expect(shares).toEqual([3_758_875n, 3_007_100n, 751_775n]);
  });

  it("dearer only after the notice: three hours of the old price, then the new one", () => {
    const chain = mainWorld({ policy: { farmPricing: { ...MAIN_POLICY.farmPricing, noticeMs: 3 * HOUR } } });
    const farmId = chain.read.farmByName("farm")!.id;
    chain.do("user", nodeCall(chain, { depositUnits: 100n * TFT }));
    const { createdAtMs } = only(chain);
    chain.do("farmer", { type: "farms.set_pricing", farmId, terms: { computePercent: 120, ipv4Percent: 100, trafficPercent: 100, rentDiscountPercent: null } });
    expect(chain.read.farm(farmId)?.pricing?.next?.fromMs).toBe(createdAtMs + 1 + 3 * HOUR);
    runTo(chain, 3 * HOUR);
    expect(only(chain)).toMatchObject({ billedUnits: 3n * RATE, costPerHourUnits: RATE });
    // The bill at the fourth hour is the first after the notice: that hour still costs what it cost when it began.
    runTo(chain, 4 * HOUR);
    expect(only(chain)).toMatchObject({ billedUnits: 4n * RATE, costPerHourUnits: 10_626_000n });
    runTo(chain, 5 * HOUR);
    expect(only(chain).billedUnits).toBe(4n * RATE + 10_626_000n);
    expect(chain.read.discount(chain.twin("user")).spendPerHourUnits).toBe(10_626_000n);
  });

  it("of a whole node: the farm's discount instead of the ledger's", () => {
    const chain = mainWorld();
    const farmId = chain.read.farmByName("farm")!.id;
    chain.do("farmer", { type: "farms.set_pricing", farmId, terms: { computePercent: 90, ipv4Percent: 100, trafficPercent: 100, rentDiscountPercent: 70 } });
    chain.do("user", { type: "contracts.create_rent", nodeId: chain.nodeOf("node1"), depositUnits: 10n * TFT });
    // 0.58616 USD x 90 % x 30 % = 0.1582632; / 0.08 = 1.97829 TFT
    expect(only(chain).costPerHourUnits).toBe(19_782_900n);
  });
});

describe("the end of the money", () => {
  it("grace is not billed, a refill goes on where it stopped, fractions of units add up", () => {
    const chain = mainWorld();
    chain.do("user", nodeCall(chain, { depositUnits: 10_000_000n }));
    runTo(chain, HOUR);
    // 10,000,000 - 8,855,000 = 1,145,000 left: 1,145,000 x 3,600,000 / 8,855,000 = 465,499.7 ms, rounded down
    expect(only(chain)).toMatchObject({ state: "created", escrowUnits: 1_145_000n });
    runTo(chain, HOUR + 465_499);
    // 8,855,000 x 465,499 / 3,600,000 = 1,144,998.23 units: 1,144,998 are billed, 0.23 are remembered, 2 are left
    expect(only(chain)).toMatchObject({ state: "grace", billedUnits: 9_999_998n, escrowUnits: 2n });
    runTo(chain, 10 * HOUR);
    expect(only(chain)).toMatchObject({ state: "grace", billedUnits: 9_999_998n });
    // One unit too little for an hour: it stays where it is. Another one: it goes on.
    chain.do("user", { type: "contracts.deposit", contractId: only(chain).id, amountUnits: RATE - 3n });
    expect(only(chain)).toMatchObject({ state: "grace", escrowUnits: RATE - 1n });
    chain.do("user", { type: "contracts.deposit", contractId: only(chain).id, amountUnits: 1n });
    expect(only(chain).state).toBe("created");
    const resumedMs = chain.timeMs;
    chain.run(HOUR - 1, UP);
    expect(only(chain).billedUnits).toBe(9_999_998n);
    // 8,855,000 + the 0.23 remembered = 8,855,000.23: rounded down, and nothing is left.
    chain.run(1, UP);
    expect([only(chain).billedUnits, only(chain).escrowUnits, chain.timeMs - resumedMs]).toEqual([9_999_998n + RATE, 0n, HOUR]);
  });

  it("after 14 days of grace it is deleted; what is left goes back", () => {
    const chain = mainWorld({ params: { graceMs: 14 * 24 * HOUR, heartbeatIntervalMs: HOUR } });
    chain.do("user", nodeCall(chain, { depositUnits: 10_000_000n }));
    runTo(chain, HOUR + 465_499);
    const pausedMs = chain.timeMs;
    const before = chain.free("user");
    chain.run(14 * 24 * HOUR - 1, { up: ["node1"], stepMs: HOUR });
    expect(only(chain).state).toBe("grace");
    chain.run(1, { up: ["node1"] });
    expect(only(chain)).toMatchObject({ state: "deleted", deletedCause: "out_of_funds", deletedAtMs: pausedMs + 14 * 24 * HOUR, billedUnits: 9_999_998n });
    expect(chain.free("user") - before).toBe(2n);
  });

  it("a cancelled contract pays its last partial hour", () => {
    const chain = mainWorld();
    chain.do("user", nodeCall(chain, { depositUnits: 10n * TFT }));
    runTo(chain, HOUR + 25 * MINUTE);
    const before = chain.free("user");
    runTo(chain, HOUR + 30 * MINUTE - 1);
    const { feeUnits } = chain.do("user", { type: "contracts.cancel", contractId: only(chain).id });
    // 8,855,000 + 8,855,000 / 2 = 13,282,500; 100,000,000 - 13,282,500 = 86,717,500 come back
    expect(only(chain).billedUnits).toBe(13_282_500n);
    expect(chain.free("user") - before + feeUnits).toBe(86_717_500n);
  });
});

describe("the discount for stake", () => {
  it("is measured by all that the twin spends, to the unit", () => {
    const chain = mainWorld();
    // 1 processor, 2 GiB: CU = min(max(2/4, 1/2), max(2/8, 1), max(2/2, 1/4)) = 0.5: 0.01528 USD = 1,910,000 units an hour
    const resources = { ...PLAIN_RESOURCES, cpuMilli: 1_000, memoryBytes: 2 * 2 ** 30, ssdBytes: 0 };
    chain.do("user", nodeCall(chain, { resources, depositUnits: TFT }), nodeCall(chain, { resources, depositUnits: TFT }));
    // The first level: 1.5 months of 720 hours = 1,080 hours. One contract: 2,062,800,000 units. Both: 4,125,600,000.
    chain.do("user", { type: "accounts.stake", amountUnits: 4_125_599_999n, level: 0 });
    expect(chain.read.discount(chain.twin("user"))).toEqual({ percent: 0, spendPerHourUnits: 3_820_000n });
    runTo(chain, HOUR);
    expect(chain.read.contracts({}).map(({ billedUnits }) => billedUnits)).toEqual([1_910_000n, 1_910_000n]);
    chain.do("user", { type: "accounts.stake", amountUnits: 1n, level: 0 });
    expect(chain.read.discount(chain.twin("user")).percent).toBe(20);
    runTo(chain, 2 * HOUR);
    // 80 % of 1,910,000 = 1,528,000
    expect(chain.read.contracts({}).map(({ billedUnits }) => billedUnits)).toEqual([3_438_000n, 3_438_000n]);
  });
});

describe("a whole node", () => {
  it("costs half; what runs on it costs only its public addresses; deposits add up", () => {
    const chain = mainWorld();
    giveIps(chain, 1);
    chain.do("user", { type: "contracts.create_rent", nodeId: chain.nodeOf("node1"), depositUnits: 40_000_000n });
    // 16 processors, 64 GiB, 1,000 GiB: CU = min(max(16, 8), max(8, 16), max(32, 4)) = 16, SU = 5
    // 16 x 0.03056 + 5 x 0.01944 = 0.58616 USD; half 0.29308; / 0.08 = 3.6635 TFT = 36,635,000 units an hour
    expect(only(chain).costPerHourUnits).toBe(36_635_000n);
    chain.do("user", nodeCall(chain, { publicIps: 1, depositUnits: TFT }));
    expect(chain.read.contracts({})[1]?.costPerHourUnits).toBe(867_500n);
    runTo(chain, 30 * MINUTE);
    chain.do("user", { type: "contracts.deposit", contractId: only(chain).id, amountUnits: 36_635_000n });
    runTo(chain, 2 * HOUR);
    // 2 x 36,635,000 = 73,270,000 of 76,635,000: 3,365,000 are left
    expect(only(chain)).toMatchObject({ state: "created", billedUnits: 73_270_000n, escrowUnits: 3_365_000n });
    // 3,365,000 x 3,600,000 / 36,635,000 = 330,667.4 ms on, rent and tenant pause together.
    runTo(chain, 2 * HOUR + 330_667);
    expect(chain.read.contracts({}).map(({ state }) => state)).toEqual(["grace", "grace"]);
  });
});
