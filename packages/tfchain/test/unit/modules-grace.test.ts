import { describe, expect, it } from "vitest";
import { farms } from "../../src/runtime/farms/store.ts";
import { LOCAL_POLICY, MAIN_POLICY } from "../../src/runtime/policy/presets.ts";
import type { Call } from "../../src/types/calls.ts";
import type { Contract } from "../../src/types/entities.ts";
import { type Chain, PLAIN_RESOURCES, PROFILE, TFT, makeSolution, nodeCall, partCall, share, solutionOf, world } from "./runtime-harness.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const all = (chain: Chain): readonly Contract[] => chain.read.contracts({});
const states = (chain: Chain) => all(chain).map(({ state }) => state);
const deposit = (contractId: Contract["id"], amountUnits: bigint): Call => ({ type: "contracts.deposit", contractId, amountUnits });
/** Four of these fill a node's processors. */
const QUARTER = { ...PLAIN_RESOURCES, cpuMilli: 4_000, memoryBytes: 16 * 2 ** 30 };

describe("nothing is held without money", () => {
  it("neither processors nor memory nor public addresses; what was let go is taken back when it is free", () => {
    const chain = world({ params: { graceMs: 10 * MINUTE } });
    const farm = chain.read.farmByName("farm")!;
    farms.put(chain.state, farm.id, { ...farm, publicIps: [{ ip: "1.2.3.4/24", gateway: "1.2.3.1", contractId: null }] });
    // 4 CU at 0.03056 + 0.5 SU at 0.01944 + one address at 0.00694 = 0.1389 USD: 17,362,500 units an hour; 150,000 last 31 s.
    chain.do("user", nodeCall(chain, { resources: QUARTER, publicIps: 1, depositUnits: 150_000n }));
    const [poor] = all(chain);
    chain.run(35_000, { up: ["node1"], stepMs: 1_000 });
    expect(states(chain)).toEqual(["grace"]);
    expect(chain.read.node(poor!.type === "node" ? poor!.nodeId : chain.nodeOf("node1"))?.reserved).toMatchObject({ cpuMilli: 0, memoryBytes: 0, ssdBytes: QUARTER.ssdBytes });
    // Somebody who pays takes all processors and the address.
    chain.do("other", nodeCall(chain, { resources: { ...PROFILE.total, ssdBytes: 0 }, publicIps: 1, depositUnits: 10n * TFT }));
    chain.do("user", deposit(poor!.id, 10n * TFT));
    expect(states(chain)).toEqual(["grace", "created"]);
    expect(chain.read.farm(farm.id)?.publicIps[0]?.contractId).toBe(all(chain)[1]!.id);
    // The room comes back: at the next interval the contract goes on by itself.
    chain.do("other", { type: "contracts.cancel", contractId: all(chain)[1]!.id });
    chain.run(20_000, { up: ["node1"], stepMs: 1_000 });
    expect(states(chain)).toEqual(["created", "deleted"]);
    expect(chain.read.farm(farm.id)?.publicIps[0]?.contractId).toBe(poor!.id);
    expect(chain.read.node(chain.nodeOf("node1"))?.reserved).toEqual(QUARTER);
  });

  it("and ends with its money returned when the room never comes back", () => {
    const chain = world({ params: { graceMs: MINUTE } });
    chain.do("user", nodeCall(chain, { resources: QUARTER, depositUnits: 150_000n }));
    chain.run(40_000, { up: ["node1"], stepMs: 1_000 });
    chain.do("other", nodeCall(chain, { resources: { ...PROFILE.total, ssdBytes: 0 }, depositUnits: 100n * TFT }));
    chain.do("user", deposit(all(chain)[0]!.id, 10n * TFT));
    const before = chain.free("user");
    chain.run(70_000, { up: ["node1"], stepMs: 1_000 });
    expect(all(chain)[0]).toMatchObject({ state: "deleted", deletedCause: "out_of_funds", escrowUnits: 0n });
    expect(chain.free("user") - before).toBeGreaterThan(99_000_000n);
  });

  it("a part without room waits while its solution runs", () => {
    const chain = world({ params: { graceMs: 10 * MINUTE } });
    const solution = makeSolution(chain, { depositUnits: 300_000n });
    chain.do("agent", partCall(chain, solution, { resources: QUARTER }), partCall(chain, solution, { resources: QUARTER, nodeId: chain.nodeOf("node2"), networks: [share(2)] }));
    chain.run(60_000, { up: ["node1", "node2"], stepMs: 1_000 });
    expect([solutionOf(chain).state, ...states(chain)]).toEqual(["paused", "grace", "grace"]);
    chain.do("other", nodeCall(chain, { resources: { ...PROFILE.total, ssdBytes: 0 }, depositUnits: 20n * TFT }));
    chain.do("user", { type: "solutions.deposit", solutionId: solution.id, amountUnits: 5n * TFT });
    expect([solutionOf(chain).state, ...states(chain)]).toEqual(["accepted", "grace", "created", "created"]);
    chain.do("other", { type: "contracts.cancel", contractId: all(chain)[2]!.id });
    chain.run(20_000, { up: ["node1", "node2"], stepMs: 1_000 });
    expect(states(chain)).toEqual(["created", "created", "deleted"]);
  });

  it("a rent that nobody pays gives way to one that is paid", () => {
    const chain = world({ params: { graceMs: 10 * MINUTE } });
    const rent = (depositUnits: bigint): Call => ({ type: "contracts.create_rent", nodeId: chain.nodeOf("node1"), depositUnits });
    chain.do("user", rent(400_000n), nodeCall(chain, { depositUnits: 0n }));
    chain.refuse("contracts.node_rented", "other", rent(50n * TFT));
    chain.run(41_000, { up: ["node1"], stepMs: 1_000 });
    expect(states(chain)).toEqual(["grace", "grace"]);
    chain.refuse("contracts.node_rented", "user", rent(50n * TFT));
    chain.do("other", rent(50n * TFT));
    expect(all(chain).map(({ state, deletedCause }) => [state, deletedCause])).toEqual([
      ["deleted", "out_of_funds"],
      ["deleted", "rent_ended"],
      ["created", null],
    ]);
    expect(chain.held("user")).toBe(0n);
  });
});

describe("a chain that stood still", () => {
  const UP = { up: ["node1", "node2"], stepMs: 1_000 };

  it("gives its absence back to whoever has to pay", () => {
    const chain = world({ params: { graceMs: 5 * MINUTE } });
    const solution = makeSolution(chain, { depositUnits: 50_000n });
    chain.do("agent", partCall(chain, solution));
    chain.do("user", nodeCall(chain, { depositUnits: 50_000n }));
    chain.run(30_000, UP);
    expect([solutionOf(chain).state, ...states(chain)]).toEqual(["paused", "grace", "grace"]);
    chain.run(MINUTE, UP);
    // Longer than all of the grace.
    chain.standstill(3 * HOUR);
    expect([solutionOf(chain).state, ...states(chain)]).toEqual(["paused", "grace", "grace"]);
    chain.run(3 * MINUTE, UP);
    expect([solutionOf(chain).state, ...states(chain)]).toEqual(["paused", "grace", "grace"]);
    chain.run(2 * MINUTE, UP);
    expect(states(chain)).toEqual(["deleted", "deleted"]);
    expect(chain.held("user")).toBe(0n);
  });

  it("is billed to nobody, not even to who holds a name", () => {
    const chain = world({ params: { settlementIntervalMs: HOUR } });
    const gatewayNodeId = chain.nodeOf("node2");
    chain.do("user", { type: "contracts.create_name", name: "shop", gatewayNodeId, solutionId: null, depositUnits: 50n * TFT }, nodeCall(chain, { depositUnits: 50n * TFT }));
    const [name, machine] = all(chain);
    chain.run(20 * MINUTE, UP);
    chain.standstill(3 * HOUR);
    chain.run(40 * MINUTE + 1, UP);
    const ranMs = BigInt(chain.timeMs - name!.createdAtMs - 3 * HOUR);
    chain.do("user", { type: "contracts.cancel", contractId: name!.id });
    // `do` makes its block a millisecond later.
    expect(all(chain)[0]?.billedUnits).toBe((name!.costPerHourUnits * (ranMs + 1n)) / BigInt(HOUR));
    expect(all(chain)[1]?.billedUnits).toBeLessThanOrEqual(machine!.costPerHourUnits);
  });

  it("and to voters", () => {
    const chain = world({ policy: { reputation: LOCAL_POLICY.reputation } });
    chain.do("other", { type: "accounts.stake", amountUnits: 100n * TFT, level: 3 });
    chain.run(4 * MINUTE, UP);
    chain.do("user", { type: "governance.propose", change: { type: "parameter", name: "pricing.cuMicroUsdPerHour", value: 40_000 }, document: null });
    const { id, endsAtMs } = chain.read.proposals({})[0]!;
    chain.run(MINUTE, UP);
    chain.standstill(HOUR);
    expect(chain.read.proposal(id)).toMatchObject({ state: "voting", endsAtMs: endsAtMs + HOUR });
    for (const [who, farmId] of [["farmer", chain.read.farmByName("farm")!.id], ["other", null]] as const) {
      chain.do(who, { type: "governance.vote", proposalId: id, farmId, approve: true });
    }
    chain.run(MINUTE, UP);
    const { state, executesAtMs } = chain.read.proposal(id)!;
    expect(state).toBe("passed");
    chain.standstill(HOUR);
    expect(chain.read.proposal(id)).toMatchObject({ state: "passed", executesAtMs: executesAtMs + HOUR });
    chain.run(MINUTE, UP);
    expect(chain.read.proposal(id)?.state).toBe("executed");
  });

  it("takes nobody's reward or good name", () => {
    const chain = world({ policy: { rewards: { ...MAIN_POLICY.rewards, periodMs: 10 * MINUTE }, reputation: LOCAL_POLICY.reputation } });
    chain.run(10 * MINUTE - (chain.timeMs % (10 * MINUTE)), UP);
    const { downMs } = chain.read.reputation({ nodeId: chain.nodeOf("node1") }).evidence;
    chain.run(8 * MINUTE, UP);
    chain.standstill(MINUTE);
    chain.run(MINUTE + 5_000, UP);
    const [, receipt] = chain.read.rewards(chain.nodeOf("node1"));
    // Nine of nine minutes in which the chain was there, give or take two heartbeats.
    expect(receipt).toMatchObject({ outcome: "paid" });
    expect(receipt?.uptimePermille).toBeGreaterThan(970);
    expect(receipt?.provenMs).toBeLessThanOrEqual(9 * MINUTE);
    expect(chain.read.reputation({ nodeId: chain.nodeOf("node1") }).evidence.downMs).toBeLessThan(downMs + 15_000);
  });
});
