/** A node that its farmer lets sleep: who may, what it holds meanwhile, and what the time counts for. */
import { describe, expect, it } from "vitest";
import { LOCAL_POLICY } from "../../src/runtime/policy/presets.ts";
import type { Call } from "../../src/types/calls.ts";
import { type Chain, TFT, makeSolution, nodeCall, partCall, world } from "./runtime-harness.ts";

const MINUTE = 60_000;
const { maxSleepMs, wakeMs } = LOCAL_POLICY.power;
const node = (chain: Chain, name = "node1") => chain.read.node(chain.nodeOf(name))!;
const power = (chain: Chain, target: "up" | "down", name = "node1"): Call => ({ type: "nodes.set_power", nodeId: chain.nodeOf(name), target });
const sleep = (chain: Chain, name = "node1"): Call => ({ type: "nodes.sleep", nodeId: chain.nodeOf(name) });
const beat = (chain: Chain, name = "node1"): Call => ({ type: "nodes.heartbeat", nodeId: chain.nodeOf(name), uptimeSec: 1 });

/** Books looked at once a minute, a period of two hours; node1 sleeps. */
function asleep(): Chain {
  const { rewards, reputation } = LOCAL_POLICY;
  const chain = world({ policy: { rewards: { ...rewards, periodMs: 120 * MINUTE }, reputation } });
  chain.run(2 * MINUTE, { up: ["node1", "node2"] });
  chain.do("farmer", power(chain, "down"));
  chain.do("node1", sleep(chain));
  return chain;
}

describe("power", () => {
  it("is the farmer's to switch, and the node's to follow", () => {
    const chain = world();
    chain.refuse("nodes.not_farmer", "other", power(chain, "down"));
    chain.refuse("nodes.not_farmer", "user", power(chain, "down"));
    chain.refuse("nodes.not_found", "farmer", { type: "nodes.set_power", nodeId: 99 as never, target: "down" });
    chain.refuse("nodes.not_asked_to_sleep", "node1", sleep(chain));
    chain.do("farmer", power(chain, "down"));
    expect(node(chain)).toMatchObject({ up: true, power: { target: "down", state: "up", targetSinceMs: chain.timeMs } });
    chain.refuse("nodes.not_this_node", "node2", sleep(chain));
    chain.refuse("nodes.not_this_node", "farmer", sleep(chain));
    chain.do("farmer", power(chain, "up"));
    chain.refuse("nodes.not_asked_to_sleep", "node1", sleep(chain));
    chain.do("farmer", power(chain, "down"));
    // Free, like all that a node must say of itself.
    expect(chain.do("node1", sleep(chain)).feeUnits).toBe(0n);
    expect(node(chain)).toMatchObject({ up: false, upChangedMs: chain.timeMs, power: { target: "down", state: "down", stateSinceMs: chain.timeMs } });
    // A word that was sent twice changes nothing.
    const sinceMs = chain.timeMs;
    chain.do("node1", sleep(chain));
    expect(node(chain).power?.stateSinceMs).toBe(sinceMs);
  });

  it("a node on which something is placed stays on, and one that is or will be off gets nothing", () => {
    const chain = world();
    chain.do("user", nodeCall(chain));
    chain.refuse("nodes.not_empty", "farmer", power(chain, "down"));
    chain.do("user", { type: "contracts.cancel", contractId: chain.read.contracts({})[0]!.id });
    chain.do("farmer", power(chain, "down"));
    chain.refuse("nodes.asleep", "user", nodeCall(chain));
    chain.do("node1", sleep(chain));
    chain.refuse("nodes.asleep", "user", nodeCall(chain));
    const solution = makeSolution(chain);
    chain.refuse("nodes.asleep", "agent", partCall(chain, solution));
    chain.do("user", { type: "contracts.create_name", name: "shop", gatewayNodeId: chain.nodeOf("node2"), solutionId: null, depositUnits: TFT });
    chain.refuse("nodes.not_empty", "farmer", power(chain, "down", "node2"));
  });

  it("a heartbeat ends the sleep, also of a node that is still wanted off", () => {
    const chain = asleep();
    chain.run(MINUTE, { up: ["node2"] });
    expect(chain.events.some((event) => event.type === "nodes.down")).toBe(false);
    chain.do("node1", beat(chain));
    expect(node(chain)).toMatchObject({ up: true, power: { target: "down", state: "up" } });
    expect(chain.events.slice(-2).map(({ type }) => type)).toEqual(["nodes.power", "nodes.up"]);
    chain.refuse("nodes.asleep", "user", nodeCall(chain));
    chain.do("farmer", power(chain, "up"));
    chain.do("user", nodeCall(chain));
  });

  it("asked again while it sleeps, whoever can wake it hears it again; the time to wake runs on", () => {
    const chain = asleep();
    const heard = (): number => chain.events.filter((event) => event.type === "nodes.power" && event.target === "up").length;
    chain.do("farmer", power(chain, "up"));
    const before = node(chain).power;
    chain.run(MINUTE / 2, { up: ["node2"] });
    chain.do("farmer", power(chain, "up"));
    expect([heard(), node(chain).power]).toEqual([2, before]);
    chain.do("node1", beat(chain));
    chain.do("farmer", power(chain, "up"));
    expect(heard()).toBe(3);
  });

  it("whoever rents a sleeping node wakes it, and pays from its first heartbeat on", () => {
    const chain = asleep();
    chain.do("user", { type: "contracts.create_rent", nodeId: chain.nodeOf("node1"), depositUnits: 100n * TFT });
    expect(node(chain).power).toMatchObject({ target: "up", state: "down" });
    chain.run(30_000, { up: ["node2"] });
    const [rent] = chain.read.contracts({});
    expect(rent).toMatchObject({ type: "rent", billedUnits: 0n });
    chain.run(MINUTE, { up: ["node1", "node2"] });
    expect(chain.read.contract(rent!.id)!.billedUnits).toBeGreaterThan(0n);
    // Not before it is up: nothing can run there.
    const other = asleep();
    other.do("farmer", { type: "nodes.set_maintenance", nodeId: other.nodeOf("node1"), mode: "cordon", noticeUntilMs: 0 });
    other.refuse("nodes.cordoned", "user", { type: "contracts.create_rent", nodeId: other.nodeOf("node1"), depositUnits: 100n * TFT });
  });
});

describe("the time asleep", () => {
  const evidence = (chain: Chain) => chain.read.reputation({ nodeId: chain.nodeOf("node1") }).evidence;
  const receipt = (chain: Chain) => chain.read.rewards(chain.nodeOf("node1")).at(-1)!;
  /** Ends the node, which settles its period. */
  const settle = (chain: Chain): ReturnType<typeof receipt> => {
    chain.do("farmer", { type: "nodes.delete", nodeId: chain.nodeOf("node1") });
    const [row] = chain.read.rewards(1 as never);
    return row!;
  };

  it("counts as proven when it was short enough and the node woke in time", () => {
    const chain = asleep();
    const [fellAsleepMs, before] = [chain.timeMs, evidence(chain)];
    chain.run(maxSleepMs - MINUTE, { up: ["node2"] });
    chain.do("farmer", power(chain, "up"));
    chain.run(MINUTE - 1, { up: ["node2"] });
    expect(chain.timeMs - fellAsleepMs).toBe(maxSleepMs);
    chain.next(0, [chain.unsigned("node1", [beat(chain)])]);
    chain.run(2 * MINUTE, { up: ["node1", "node2"] });
    // No more than the time since a last heartbeat.
    expect(evidence(chain).downMs - before.downMs).toBeLessThan(15_000);
    expect(evidence(chain).upMs - before.upMs).toBeGreaterThanOrEqual(maxSleepMs);
    expect(settle(chain).uptimePermille).toBeGreaterThanOrEqual(990);
  });

  it.each([
    ["it slept a millisecond too long", maxSleepMs - MINUTE, MINUTE + 1],
    ["it was heard a millisecond too late after it was wanted", MINUTE, wakeMs + 1],
  ])("counts as down when %s", (_, untilWantedMs, thenMs) => {
    const chain = asleep();
    const fellAsleepMs = chain.timeMs;
    chain.run(untilWantedMs, { up: ["node2"] });
    chain.do("farmer", power(chain, "up"));
    chain.run(thenMs - 1, { up: ["node2"] });
    chain.do("node1", beat(chain));
    const sleptMs = chain.timeMs - fellAsleepMs;
    chain.run(30 * MINUTE, { up: ["node1", "node2"] });
    const row = settle(chain);
    // All of it: what was credited while it slept is made up for.
    expect(row.toMs - row.fromMs - row.provenMs).toBeGreaterThanOrEqual(sleptMs);
    expect(row.toMs - row.fromMs - row.provenMs).toBeLessThan(sleptMs + 10_000);
    expect(row.outcome).toBe("low_uptime");
  });

  it("a node that never wakes has slept in vain", () => {
    const chain = asleep();
    chain.run(30 * MINUTE, { up: ["node2"] });
    expect(settle(chain).outcome).toBe("low_uptime");
  });

  it("the chain's own standstill lengthens no sleep", () => {
    const chain = asleep();
    // Most of the period: were it not believed, the period's reward would be lost.
    chain.run(maxSleepMs - 2 * MINUTE, { up: ["node2"] });
    chain.do("farmer", power(chain, "up"));
    chain.standstill(10 * maxSleepMs);
    chain.do("node1", beat(chain));
    chain.run(2 * MINUTE, { up: ["node1", "node2"] });
    expect(settle(chain).uptimePermille).toBeGreaterThanOrEqual(990);
  });

  it("weighs nothing in votes", () => {
    const chain = world({ policy: { governance: { ...LOCAL_POLICY.governance, votingMs: 5 * MINUTE, provenMs: 5 * MINUTE }, reputation: LOCAL_POLICY.reputation } });
    chain.do("farmer", power(chain, "down"));
    chain.do("node1", sleep(chain));
    chain.run(6 * MINUTE, { up: ["node2"] });
    chain.do("farmer", power(chain, "up"));
    chain.run(2 * MINUTE, { up: ["node1", "node2"] });
    chain.do("farmer", { type: "governance.propose", change: { type: "parameter", name: "power.wakeMs", value: 2 * MINUTE }, document: null });
    const one = chain.read.proposals({})[0]!.farmTotal;
    chain.run(4 * MINUTE, { up: ["node1", "node2"] });
    chain.do("farmer", { type: "governance.propose", change: { type: "parameter", name: "power.wakeMs", value: 2 * MINUTE }, document: null });
    // node2 alone, then both: six minutes asleep did not prove five.
    expect(chain.read.proposals({})[1]!.farmTotal).toBe(2n * one);
  });
});
