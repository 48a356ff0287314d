import { describe, expect, it } from "vitest";
import type { FarmId } from "@tfgrid/primitives";
import { readBlockTimeMs, stoodMs } from "../../src/runtime/nodes/pulse.ts";
import { Chain, cid, keyOf, makeSolution, nodeCall, partCall, share, solutionOf, twinCall, world } from "./runtime-harness.ts";

describe("liveness", () => {
  it("down when two intervals have passed without a heartbeat, up with the next one", () => {
    const chain = world();
    const id = chain.nodeOf("node1");
    const last = chain.read.node(id)!.lastHeartbeatMs;
    chain.block(last + 9_999 - chain.timeMs);
    expect(chain.read.node(id)?.up).toBe(true);
    chain.block(1);
    expect(chain.read.node(id)).toMatchObject({ up: false, upChangedMs: last + 10_000 });
    expect(chain.events.at(-1)).toEqual({ type: "nodes.down", nodeId: id, lastHeartbeatMs: last });
    chain.do("node1", { type: "nodes.heartbeat", nodeId: id, uptimeSec: 42 });
    expect(chain.read.node(id)).toMatchObject({ up: true, uptimeSec: 42, upChangedMs: chain.timeMs });
    expect(chain.events.at(-1)).toEqual({ type: "nodes.up", nodeId: id });
  });

  it("stays up while heartbeats come, without an event", () => {
    const chain = world();
    const before = chain.events.filter(({ type }) => type.startsWith("nodes.")).length;
    chain.run(120_000, { up: ["node1", "node2"] });
    expect(chain.events.filter(({ type }) => type.startsWith("nodes."))).toHaveLength(before);
  });
});

describe("a chain that stood still", () => {
  const HOUR = 3_600_000;
  const downs = (chain: Chain): number => chain.events.filter(({ type }) => type === "nodes.down").length;

  it("takes nobody's silence for death: everybody has two intervals from its return on", () => {
    const chain = world();
    chain.run(30_000, { up: ["node1", "node2"] });
    const [spoke, silent] = [chain.nodeOf("node1"), chain.nodeOf("node2")];
    const before = downs(chain);
    chain.standstill(8 * HOUR);
    const backMs = chain.timeMs;
    expect([spoke, silent].map((id) => chain.read.node(id)?.up)).toEqual([true, true]);
    chain.run(9_000, { up: ["node1"], stepMs: 3_000 });
    expect(chain.read.node(silent)?.up).toBe(true);
    chain.run(1_000, { up: ["node1"] });
    expect(chain.read.node(spoke)).toMatchObject({ up: true, lastHeartbeatMs: chain.timeMs });
    expect(chain.read.node(silent)).toMatchObject({ up: false, upChangedMs: backMs + 10_000 });
    expect(downs(chain)).toBe(before + 1);
  });

  it("counts as such beyond three quarters of an interval, and only then", () => {
    for (const [gapMs, up] of [[3_750, false], [3_751, true]] as const) {
      const chain = world();
      const id = chain.nodeOf("node1");
      const deadlineMs = chain.read.node(id)!.lastHeartbeatMs + 10_000;
      chain.block(deadlineMs - 1_000 - chain.timeMs);
      chain.standstill(gapMs);
      expect(chain.read.node(id)?.up).toBe(up);
    }
  });

  it("is seen across blocks in which nothing happened: they leave the state as it is, until a fifth of an interval has passed", () => {
    const chain = world();
    const before = chain.state.dump();
    const markedMs = chain.timeMs;
    chain.next(300, []);
    chain.next(699, []);
    expect(chain.state.dump()).toBe(before);
    chain.next(1, []);
    expect(chain.timeMs).toBe(markedMs + 1_000);
    expect(chain.state.dump()).not.toBe(before);
    // Of the time since the mark, not since a block that left none.
    chain.next(999, []);
    const marked = chain.state.dump();
    chain.standstill(3_000);
    expect(chain.state.dump()).not.toBe(marked);
    expect(stoodMs(chain.state)).toBe(3_999);
  });

  it("marks the time of every block with a transaction, and of every block that something waited for", () => {
    const chain = world();
    chain.do("user", { type: "accounts.transfer", to: keyOf("other").account, amountUnits: 1n });
    expect(readBlockTimeMs(chain.state)).toBe(chain.timeMs);
    const dueMs = chain.read.node(chain.nodeOf("node1"))!.lastHeartbeatMs + 10_000;
    chain.block(dueMs - 100 - chain.timeMs);
    chain.next(50, []);
    chain.next(50, []);
    expect(readBlockTimeMs(chain.state)).toBe(dueMs);
  });

  it("bills the time of the standstill to nobody, neither on credit nor when the node speaks again", () => {
    const chain = world();
    chain.do("user", nodeCall(chain));
    chain.do("user", nodeCall(chain, { nodeId: chain.nodeOf("node2") }));
    const [first, second] = chain.read.contracts({}).map(({ id }) => id);
    const billed = (): bigint[] => [first, second].map((id) => chain.read.contract(id!)!.billedUnits);
    chain.run(60_000, { up: ["node1", "node2"], stepMs: 1_000 });
    const rate = chain.read.contract(first!)!.costPerHourUnits;
    const upTo = (untilMs: number): bigint => (rate * BigInt(untilMs - chain.read.contract(first!)!.createdAtMs)) / BigInt(HOUR);
    const lastMs = chain.timeMs;
    chain.standstill(24 * HOUR);
    const limit = upTo(lastMs);
    for (const paid of billed()) expect(paid).toBeLessThanOrEqual(limit);
    // node1 comes back after 2 s, node2 never.
    chain.run(2_000);
    chain.run(60_000, { up: ["node1"], stepMs: 1_000 });
    const backMs = chain.timeMs - 59_000;
    for (const id of [first, second]) chain.do("user", { type: "contracts.cancel", contractId: id! });
    const [back = 0n, dead = 0n] = billed();
    const stretch = (rate * BigInt(chain.timeMs - backMs)) / BigInt(HOUR);
    expect(Number(back - limit - stretch)).toBeCloseTo(0, -5);
    expect(back).toBeLessThan(limit + stretch + rate / 3_600n);
    expect(dead).toBeLessThanOrEqual(limit);
    expect(dead).toBeGreaterThan((limit * 9n) / 10n);
  });
});

describe("farms", () => {
  it("names are unique and move with a rename; only the owner changes a farm", () => {
    const chain = world();
    const farmId = chain.read.farmByName("farm")!.id;
    chain.refuse("farms.name_taken", "user", { type: "farms.create", name: "farm", dedicated: false });
    chain.refuse("farms.not_owner", "user", { type: "farms.update", farmId, name: "mine", dedicated: false });
    chain.refuse("farms.not_found", "user", { type: "farms.update", farmId: 9 as FarmId, name: "mine", dedicated: false });
    chain.do("farmer", { type: "farms.update", farmId, name: "barn", dedicated: false });
    expect(chain.read.farmByName("farm")).toBeUndefined();
    chain.do("user", { type: "farms.create", name: "farm", dedicated: false });
    expect(chain.read.farmByName("barn")?.id).toBe(farmId);
  });

  it("only the farmer puts his node into maintenance", () => {
    const chain = world();
    const nodeId = chain.nodeOf("node1");
    const drain = { type: "nodes.set_maintenance", nodeId, mode: "drain", noticeUntilMs: chain.timeMs + 1 } as const;
    chain.refuse("nodes.not_farmer", "user", drain);
    chain.do("farmer", drain);
    expect(chain.read.node(nodeId)?.maintenance).toMatchObject({ mode: "drain", sinceMs: chain.timeMs });
  });
});

describe("twins", () => {
  it("one per account; keys and relays change", () => {
    const chain = world();
    chain.refuse("twins.already_exists", "user", twinCall("user"));
    chain.do("user", { type: "twins.update", relays: ["/dns4/relay"], encryptionKey: chain.read.twin(chain.twin("agent"))!.encryptionKey });
    expect(chain.read.twin(chain.twin("user"))?.relays).toEqual(["/dns4/relay"]);
  });
});

describe("queries", () => {
  it("page by ascending id and filter by node, solution, twin and state", () => {
    const chain = world();
    const solution = makeSolution(chain);
    const small = { resources: { cpuMilli: 1, memoryBytes: 0, ssdBytes: 0, hddBytes: 0 } };
    for (let index = 0; index < 3; index += 1) chain.do("other", nodeCall(chain, small));
    chain.do(
      "agent",
      partCall(chain, solution, small),
      partCall(chain, solution, { ...small, nodeId: chain.nodeOf("node2"), networks: [share(2)] }),
    );
    const all = chain.read.contracts({});
    chain.do("other", { type: "contracts.cancel", contractId: all[1]!.id });
    const ids = (...args: Parameters<typeof chain.read.contracts>): number[] => chain.read.contracts(...args).map(({ id }) => id);
    expect(ids({})).toEqual([1, 2, 3, 4, 5]);
    expect(ids({ limit: 2 })).toEqual([1, 2]);
    expect(ids({ after: 2 as never, limit: 2 })).toEqual([3, 4]);
    expect(ids({ active: false })).toEqual([2]);
    expect(ids({ nodeId: chain.nodeOf("node1") })).toEqual([1, 2, 3, 4]);
    expect(ids({ nodeId: chain.nodeOf("node1"), active: true })).toEqual([1, 3, 4]);
    expect(ids({ nodeId: chain.nodeOf("node1"), after: 1, limit: 2 })).toEqual([2, 3]);
    expect(ids({ solutionId: solution.id })).toEqual([4, 5]);
    expect(ids({ solutionId: solution.id, nodeId: chain.nodeOf("node2") })).toEqual([5]);
    expect(ids({ twinId: chain.twin("other"), active: true })).toEqual([1, 3]);
    expect(ids({ twinId: chain.twin("user") })).toEqual([4, 5]);
    expect(chain.read.solutions({ agentTwinId: chain.twin("agent") })).toHaveLength(1);
    expect(chain.read.solutions({ agentTwinId: chain.twin("agent"), twinId: chain.twin("other") })).toEqual([]);
    expect(chain.read.nodes({ limit: 1 }).map(({ id }) => id)).toEqual([1]);
    expect(chain.read.nodes({ after: 1 }).map(({ id }) => id)).toEqual([2]);
    expect(chain.read.twins()).toHaveLength(6);
    expect(chain.read.contracts({ limit: 0 })).toEqual([]);
    expect(solutionOf(chain).document).toBe(cid("v1"));
  });

  it("proof keys lead to the entities", () => {
    const chain = world();
    const { keys } = chain.runtime;
    for (const key of [keys.twin(1), keys.node(1)]) expect(chain.state.get(key)).toBeDefined();
    expect(new Chain().state.get(keys.node(1))).toBeUndefined();
  });
});
