import { describe, expect, it } from "vitest";
import { dueItems, firstDueMs, moveDue } from "../../src/runtime/store/due.ts";
import { isPatient } from "../../src/runtime/transactions/patience.ts";
import type { Call } from "../../src/types/calls.ts";
import { type Chain, MemoryState, PROFILE, TFT, accountOf, nodeCall, world } from "./runtime-harness.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const MAIN = { heartbeatIntervalMs: 10 * MINUTE, settlementIntervalMs: HOUR } as const;

const bills = (chain: Chain) => chain.events.filter((event) => event.type === "contracts.billed");
const beat = (chain: Chain, nodeId = chain.nodeOf("node1")): Call => ({ type: "nodes.heartbeat", nodeId, uptimeSec: 1 });

describe("time-based work", () => {
  it("is done when it is due; what falls due within a second of that shares the next block with it", () => {
    const chain = world({ params: MAIN });
    const createdMs: number[] = [];
    for (let made = 0; made < 4; made += 1) {
      chain.do("user", nodeCall(chain, { depositUnits: 20n * TFT }));
      createdMs.push(chain.timeMs);
    }
    const [firstMs = 0, , , lastMs = 0] = createdMs;
    expect(lastMs - firstMs).toBeLessThan(1_000);
    chain.run(firstMs + HOUR + 2_000 - chain.timeMs, { up: ["node1", "node2"], stepMs: MINUTE });
    // The others are billed for what they waited, and no more: their next bill begins there.
    const lateMs = firstMs + HOUR + 1_000;
    expect(bills(chain)).toMatchObject([{ toMs: firstMs + HOUR }, { toMs: lateMs }, { toMs: lateMs }, { toMs: lateMs }]);
    const cost = chain.read.contracts({})[1]!.costPerHourUnits;
    const expected = createdMs.slice(1).map((fromMs) => (cost * BigInt(lateMs - fromMs)) / BigInt(HOUR));
    expect(bills(chain).slice(1)).toMatchObject(expected.map((amountUnits) => ({ amountUnits })));
  });

  it("waits for no transaction and is not hurried by one", () => {
    const chain = world({ params: MAIN });
    chain.do("user", nodeCall(chain, { depositUnits: 20n * TFT }), nodeCall(chain, { depositUnits: 20n * TFT }));
    const dueMs = chain.timeMs + HOUR;
    chain.do("user", nodeCall(chain, { depositUnits: 20n * TFT }));
    chain.run(dueMs - chain.timeMs, { up: ["node1", "node2"], stepMs: MINUTE });
    expect(bills(chain)).toHaveLength(2);
    chain.next(999, []);
    expect(bills(chain)).toHaveLength(2);
    expect(chain.runtime.nextDueMs(chain.state)).toBe(dueMs + 1_000);
    chain.next(1, []);
    expect(bills(chain)).toHaveLength(3);
  });

  it("is gathered for a tenth of the heartbeat interval where that is short", () => {
    expect(world({ params: MAIN }).runtime.gatherMs(world({ params: MAIN }).state)).toBe(1_000);
    const short = world({ params: { heartbeatIntervalMs: 2_000 } });
    expect(short.runtime.gatherMs(short.state)).toBe(200);
  });
});

describe("what nobody waits for", () => {
  const patient = (chain: Chain, name: string, ...calls: readonly Call[]): boolean => {
    const decoded = chain.runtime.decodeTx(chain.unsigned(name, calls), 1 << 20);
    return isPatient(chain.state, { chainId: "test-chain", height: chain.height + 1, timeMs: chain.timeMs }, decoded);
  };

  it("is a heartbeat of a node that is up, or its counted traffic, and nothing else", () => {
    const chain = world({ params: MAIN });
    expect(patient(chain, "node1", beat(chain))).toBe(true);
    expect(patient(chain, "node1", beat(chain), { type: "contracts.report_usage", contractId: 1 as never, publicBytes: 1 })).toBe(true);
    expect(patient(chain, "node1", beat(chain), { type: "nodes.update", nodeId: chain.nodeOf("node1"), ...PROFILE })).toBe(false);
    expect(patient(chain, "user", { type: "accounts.transfer", to: accountOf("other"), amountUnits: 1n })).toBe(false);
    // Whoever is no node is told at once that he is none.
    expect(patient(chain, "user", beat(chain))).toBe(false);
  });

  it("is not the heartbeat of a node that is down, nor of one that is about to be", () => {
    const chain = world({ params: MAIN });
    const deadlineMs = chain.read.node(chain.nodeOf("node1"))!.lastHeartbeatMs + 20 * MINUTE;
    chain.run(deadlineMs - 1_001 - chain.timeMs, { up: ["node2"], stepMs: MINUTE });
    expect(patient(chain, "node1", beat(chain))).toBe(true);
    chain.next(1, []);
    expect(patient(chain, "node1", beat(chain))).toBe(false);
    chain.next(1_000, []);
    expect(chain.read.node(chain.nodeOf("node1"))?.up).toBe(false);
    expect(patient(chain, "node1", beat(chain))).toBe(false);
  });
});

describe("the due queue", () => {
  const AT = 1_800_000_000_000;
  const add = (state: MemoryState, kind: "contract" | "node", id: number, to: number): void => moveDue(state, { kind, id, from: 0, to });

  it("keeps neighbours of one second in one row, and answers in order of time, kind and id", () => {
    const state = new MemoryState();
    for (const [id, offsetMs] of [[65, 999], [64, 0], [127, 999], [66, 500]] as const) add(state, "contract", id, AT + offsetMs);
    expect(state.map.size).toBe(1);
    add(state, "contract", 128, AT + 1);
    add(state, "node", 3, AT + 999);
    add(state, "contract", 67, AT + 1_000);
    expect(state.map.size).toBe(4);
    const order = dueItems(state, AT + 1_000, 100).map(({ kind, id, timeMs }) => [kind, id, timeMs - AT]);
    expect(order).toEqual([
      ["contract", 64, 0],
      ["contract", 128, 1],
      ["contract", 66, 500],
      ["contract", 65, 999],
      ["contract", 127, 999],
      ["node", 3, 999],
      ["contract", 67, 1_000],
    ]);
    expect(dueItems(state, AT + 500, 100)).toHaveLength(3);
    expect(dueItems(state, AT + 1_000, 2).map(({ id }) => id)).toEqual([64, 128]);
  });

  it("names the first moment, or the one before which nothing is wanted", () => {
    const state = new MemoryState();
    expect(firstDueMs(state, AT)).toBeUndefined();
    add(state, "contract", 1, AT + 700);
    add(state, "contract", 9_000, AT + 300);
    expect([0, AT + 299, AT + 301, AT + 5_000].map((notBeforeMs) => firstDueMs(state, notBeforeMs))).toEqual([AT + 300, AT + 300, AT + 301, AT + 5_000]);
  });

  it("leaves nothing behind of what was moved away", () => {
    const state = new MemoryState();
    for (let id = 0; id < 200; id += 1) add(state, "contract", id, AT + id);
    for (let id = 0; id < 200; id += 1) moveDue(state, { kind: "contract", id, from: AT + id, to: AT + 3_600_000 });
    expect(state.map.size).toBe(4);
    expect(dueItems(state, AT + 3_599_999, 1)).toEqual([]);
    expect(dueItems(state, AT + 3_600_000, 1_000).map(({ id }) => id)).toEqual(Array.from({ length: 200 }, (_, id) => id));
    for (let id = 0; id < 200; id += 1) moveDue(state, { kind: "contract", id, from: AT + 3_600_000, to: 0 });
    expect(state.map.size).toBe(0);
  });
});
