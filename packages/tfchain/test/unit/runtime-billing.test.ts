import { describe, expect, it } from "vitest";
import { nodeCostPerHour } from "../../src/runtime/index.ts";
import { DEFAULT_PRICING } from "../../src/runtime/genesis.ts";
import { RUNTIME_LIMITS } from "../../src/runtime/limits.ts";
import type { Contract } from "../../src/types/entities.ts";
import {
  type Chain,
  PLAIN_RESOURCES,
  TFT,
  accountOf,
  cid,
  makeSolution,
  nodeCall,
  partCall,
  share,
  solutionOf,
  world,
  zeroResources,
} from "./runtime-harness.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Hourly bills and a heartbeat each 10 minutes, as on the main network. */
const mainWorld = (params: object = {}): Chain =>
  world({ params: { settlementIntervalMs: HOUR, heartbeatIntervalMs: 10 * MINUTE, graceMs: 24 * HOUR, ...params } });
const only = (chain: Chain): Contract => chain.read.contracts({})[0] as Contract;
const income = (chain: Chain) => ({ farmer: chain.free("farmer"), foundation: chain.free("foundation"), pool: chain.free("pool") });

describe("prices, against figures worked out by hand", () => {
  it("4 cores, 8 GiB, 100 GiB SSD: 2 CU and 0.5 SU", () => {
    // CU = min(max(8/4, 4/2), max(8/8, 4), max(8/2, 4/4)) = min(2, 4, 4) = 2; SU = 100/200 = 0.5.
    // 2 x 0.03056 + 0.5 x 0.01944 = 0.07084 USD; at 0.08 USD a TFT: 0.8855 TFT = 8,855,000 units.
    const base = { pricing: DEFAULT_PRICING, resources: PLAIN_RESOURCES, publicIps: 0 };
    expect(nodeCostPerHour({ ...base, certified: false })).toBe(8_855_000n);
    // Certified: a quarter more.
    expect(nodeCostPerHour({ ...base, certified: true })).toBe(11_068_750n);
    // Two addresses: 2 x 0.00694 USD = 0.1735 TFT.
    expect(nodeCostPerHour({ ...base, publicIps: 2, certified: false })).toBe(8_855_000n + 1_735_000n);
  });

  it("rounds down, once", () => {
    // 0.1 core, 128 MiB: CU = min(max(0.03125, 0.05), max(0.015625, 0.1), max(0.0625, 0.025)) = 0.05: 0.001528 USD = 191,000 units.
    const resources = { cpuMilli: 100, memoryBytes: 128 * 2 ** 20, ssdBytes: 0, hddBytes: 0 };
    expect(nodeCostPerHour({ pricing: DEFAULT_PRICING, resources, publicIps: 0, certified: false })).toBe(191_000n);
    // At 0.07 USD a TFT 0.0218285714... TFT.
    const pricing = { ...DEFAULT_PRICING, tftPriceMicroUsd: 70_000 };
    expect(nodeCostPerHour({ pricing, resources, publicIps: 0, certified: false })).toBe(218_285n);
  });
});

describe("an hour of a contract", () => {
  it("bills exactly the hour and splits it 50/40/10", () => {
    const chain = mainWorld();
    chain.do("user", nodeCall(chain));
    const before = income(chain);
    chain.run(HOUR, { up: ["node1"], stepMs: 5 * MINUTE });
    expect(only(chain)).toMatchObject({ billedUnits: 8_855_000n, escrowUnits: 10n * TFT - 8_855_000n, settledAtMs: chain.timeMs });
    const after = income(chain);
    expect(after.farmer - before.farmer).toBe(4_427_500n);
    expect(after.foundation - before.foundation).toBe(3_542_000n);
    expect(after.pool - before.pool).toBe(885_500n);
  });

  it("many small bills add up to the one large bill", () => {
    const chain = world({ params: { settlementIntervalMs: 7_000 } });
    chain.do("user", nodeCall(chain));
    const { id, createdAtMs } = only(chain);
    chain.run(10 * MINUTE, { up: ["node1"], stepMs: 3_300 });
    chain.do("user", { type: "contracts.cancel", contractId: id });
    // The last partial interval is settled.
    expect(only(chain).billedUnits).toBe((8_855_000n * BigInt(chain.timeMs - createdAtMs)) / BigInt(HOUR));
  });

  it("does not bill the time when the node was down", () => {
    const chain = mainWorld();
    chain.do("user", nodeCall(chain));
    const { createdAtMs } = only(chain);
    chain.run(20 * MINUTE, { up: ["node1"], stepMs: 5 * MINUTE });
    const lastSeenMs = chain.read.node(chain.nodeOf("node1"))!.lastHeartbeatMs;
    chain.run(40 * MINUTE, { stepMs: 5 * MINUTE });
    expect(chain.read.node(chain.nodeOf("node1"))?.up).toBe(false);
    const upMs = lastSeenMs - createdAtMs;
    expect(only(chain).billedUnits).toBe((8_855_000n * BigInt(upMs)) / BigInt(HOUR));
    expect(chain.events.findLast(({ type }) => type === "contracts.billed")).toMatchObject({ downMs: HOUR - upMs });
    // Still down for a day: nothing more, and no grace.
    const billed = only(chain).billedUnits;
    chain.run(24 * HOUR, { stepMs: HOUR });
    expect(only(chain)).toMatchObject({ billedUnits: billed, state: "created" });
  });

  it("gives back what was billed on credit to a node that had died already", () => {
    const chain = world({ params: { settlementIntervalMs: 8_000, heartbeatIntervalMs: 5_000 } });
    chain.do("user", nodeCall(chain));
    const { createdAtMs } = only(chain);
    const node = chain.read.node(chain.nodeOf("node1"))!;
    // No heartbeat any more; the bill at 8 s comes before the node is known to be down at 10 s.
    chain.block(8_000);
    const paid = only(chain).billedUnits;
    expect(paid).toBeGreaterThan(0n);
    chain.run(60_000, { stepMs: 1_000 });
    expect(only(chain).billedUnits).toBe(paid);
    const provenMs = node.lastHeartbeatMs - createdAtMs;
    // Back again: the stretch that was paid in vain comes off.
    chain.run(5_000, { up: ["node1"], stepMs: 1_000 });
    const backMs = chain.read.node(node.id)!.upChangedMs;
    chain.run(60_000, { up: ["node1"], stepMs: 1_000 });
    chain.do("user", { type: "contracts.cancel", contractId: only(chain).id });
    expect(only(chain).billedUnits).toBe((8_855_000n * BigInt(provenMs + chain.timeMs - backMs)) / BigInt(HOUR));
  });

  it("names: 90/10, no farmer", () => {
    const chain = mainWorld();
    const gatewayNodeId = chain.nodeOf("node2");
    chain.do("user", { type: "contracts.create_name", name: "shop", gatewayNodeId, solutionId: null, depositUnits: TFT });
    const before = income(chain);
    chain.run(HOUR, { stepMs: 20 * MINUTE });
    const after = income(chain);
    expect([after.farmer - before.farmer, after.foundation - before.foundation, after.pool - before.pool]).toEqual([0n, 780_750n, 86_750n]);
  });
});

describe("out of money", () => {
  it("grace, then the end: only the disks, with the data on them, are held as long as graceMs", () => {
    const chain = world({ params: { graceMs: MINUTE } });
    chain.do("user", nodeCall(chain, { depositUnits: 100_000n }));
    chain.run(45_000, { up: ["node1"], stepMs: 1_000 });
    const inGrace = only(chain);
    expect(inGrace.state).toBe("grace");
    const lowest = (8_855_000n * BigInt(RUNTIME_LIMITS.minRunwayMs)) / BigInt(HOUR);
    expect(inGrace.escrowUnits).toBeLessThanOrEqual(lowest);
    expect(chain.read.node(chain.nodeOf("node1"))?.reserved).toEqual({ ...PLAIN_RESOURCES, cpuMilli: 0, memoryBytes: 0 });
    chain.refuse("contracts.in_grace", "user", {
      type: "contracts.update_node",
      contractId: inGrace.id,
      instruction: cid("two"),
      resources: PLAIN_RESOURCES,
      networks: [],
    });
    chain.run(MINUTE, { up: ["node1"], stepMs: 1_000 });
    expect(only(chain)).toMatchObject({ state: "deleted", deletedCause: "out_of_funds", billedUnits: inGrace.billedUnits });
    expect(chain.read.node(chain.nodeOf("node1"))?.reserved).toEqual(zeroResources);
    expect(chain.held("user")).toBe(0n);
  });

  it("a deposit that covers one interval resumes; less does not; grace itself is not billed", () => {
    const chain = world({ params: { graceMs: 10 * MINUTE } });
    chain.do("user", nodeCall(chain, { depositUnits: 100_000n }));
    chain.run(MINUTE, { up: ["node1"], stepMs: 1_000 });
    const { id, state, createdAtMs, settledAtMs } = only(chain);
    expect(state).toBe("grace");
    // The block came a little later than the money ended: that little is owed, and paid first.
    const billedUnits = (8_855_000n * BigInt(settledAtMs - createdAtMs)) / BigInt(HOUR);
    const deposit = (amountUnits: bigint): void => void chain.do("other", { type: "contracts.deposit", contractId: id, amountUnits });
    deposit(100n);
    expect(only(chain).state).toBe("grace");
    chain.run(MINUTE, { up: ["node1"], stepMs: 1_000 });
    deposit(TFT);
    expect(only(chain)).toMatchObject({ state: "created", billedUnits });
    const resumedMs = chain.timeMs;
    chain.run(MINUTE, { up: ["node1"], stepMs: 1_000 });
    chain.do("user", { type: "contracts.cancel", contractId: id });
    const more = only(chain).billedUnits - billedUnits;
    const exact = (8_855_000n * BigInt(chain.timeMs - resumedMs)) / BigInt(HOUR);
    expect(more - exact === 0n || more - exact === 1n).toBe(true);
  });

  it("small deposits do not put a bill off", () => {
    const chain = world();
    chain.do("user", nodeCall(chain, { depositUnits: 100_000n }));
    const { id } = only(chain);
    for (let index = 0; index < 20; index += 1) {
      chain.run(3_000, { up: ["node1"], stepMs: 1_000 });
      chain.do("other", { type: "contracts.deposit", contractId: id, amountUnits: 1n });
    }
    expect(only(chain).state).toBe("grace");
  });

  it("a solution pauses as a whole, resumes as a whole, or ends as a whole", () => {
    const chain = world({ params: { graceMs: MINUTE } });
    const solution = makeSolution(chain, { depositUnits: 200_000n });
    chain.do("agent", partCall(chain, solution));
    chain.do("agent", partCall(chain, solution, { nodeId: chain.nodeOf("node2"), networks: [share(2)] }));
    chain.do("agent", { type: "solutions.set_state", solutionId: solution.id, version: 1, state: "running", code: "ok", message: "" });
    const up = ["node1", "node2"];
    chain.run(45_000, { up, stepMs: 1_000 });
    const states = (): string[] => chain.read.contracts({ solutionId: solution.id }).map(({ state }) => state);
    expect([solutionOf(chain).state, ...states()]).toEqual(["paused", "grace", "grace"]);
    chain.refuse("solutions.paused", "agent", partCall(chain, solution, { networks: [] }));
    chain.do("other", { type: "solutions.deposit", solutionId: solution.id, amountUnits: 200_000n });
    expect([solutionOf(chain).state, ...states()]).toEqual(["running", "created", "created"]);
    chain.run(45_000, { up, stepMs: 1_000 });
    expect(solutionOf(chain).state).toBe("paused");
    chain.run(MINUTE, { up, stepMs: 1_000 });
    expect(chain.read.solution(solution.id)).toMatchObject({ state: "cancelled", parts: [], escrowUnits: 0n });
    expect(states()).toEqual(["deleted", "deleted"]);
    expect(chain.events.findLast(({ type }) => type === "solutions.cancelled")).toMatchObject({ cause: "out_of_funds" });
  });
});

describe("the due queue", () => {
  it("names the next moment, and work beyond the bound waits for the next block", () => {
    const chain = mainWorld();
    // A sign of life each half interval, until then nothing is due.
    expect(chain.runtime.nextDueMs(chain.state)).toBe(chain.timeMs + 5 * MINUTE);
    const deadlineMs = chain.read.node(chain.nodeOf("node1"))!.lastHeartbeatMs + 20 * MINUTE;
    expect([...chain.idle(chain.timeMs + 5 * MINUTE)]).toEqual([]);
    for (const nextMs of chain.idle(deadlineMs)) {
      chain.timeMs = nextMs;
      chain.runtime.beginBlock(chain.state, chain.context());
    }
    expect(chain.runtime.nextDueMs(chain.state)).toBe(deadlineMs);
    chain.run(1, { up: ["node1", "node2"] });
    chain.do("other", { type: "accounts.transfer", to: accountOf("user"), amountUnits: 500n * TFT });
    const tiny = { ...zeroResources, cpuMilli: 1 };
    const count = RUNTIME_LIMITS.dueWorkPerBlock + 50;
    const txs: Uint8Array[] = [];
    let nonce = chain.read.account(accountOf("user")).nonce;
    for (let made = 0; made < count; made += 256, nonce += 1) {
      const calls = Array.from({ length: Math.min(256, count - made) }, () => nodeCall(chain, { resources: tiny, depositUnits: 100_000n }));
      txs.push(chain.unsigned("user", calls, { nonce }));
    }
    expect(chain.block(1, txs).every(({ ok }) => ok)).toBe(true);
    const settled = (): number => [...chain.events].filter(({ type }) => type === "contracts.billed").length;
    chain.run(50 * MINUTE, { up: ["node1"], stepMs: 10 * MINUTE });
    chain.block(10 * MINUTE);
    expect(settled()).toBe(RUNTIME_LIMITS.dueWorkPerBlock);
    expect(chain.runtime.nextDueMs(chain.state)).toBeLessThanOrEqual(chain.timeMs);
    chain.block(1);
    expect(settled()).toBe(count);
  });
});
