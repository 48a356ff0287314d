/** A bug that time-based work meets is that work's trouble alone: it is undone, written down and tried again; the chain goes on. */
import { describe, expect, it } from "vitest";
import { contracts } from "../../src/runtime/contracts/store.ts";
import { WORK_RETRY } from "../../src/runtime/limits.ts";
import type { DueHandler } from "../../src/runtime/module.ts";
import { DUE_HANDLERS } from "../../src/runtime/modules.ts";
import { createRuntime } from "../../src/runtime/index.ts";
import { moveDue } from "../../src/runtime/store/due.ts";
import { type Chain, TFT, accountOf, makeSolution, nodeCall, partCall, world } from "./runtime-harness.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MAIN = { heartbeatIntervalMs: 10 * MINUTE, settlementIntervalMs: HOUR } as const;
const UP = { up: ["node1", "node2"], stepMs: 5 * MINUTE };

/** A ledger whose work on `kind` has a bug, until `mended`. It does all of the work first, so that there is something to undo. */
function buggy(kind: keyof typeof DUE_HANDLERS, bug: (...work: Parameters<DueHandler>) => void, options: Parameters<typeof world>[0] = { params: MAIN }) {
  const fault = { mended: false, told: [] as string[] };
  const handler: DueHandler = (context, id, payouts) => {
    const work = DUE_HANDLERS[kind](context, id, payouts);
    if (!fault.mended) bug(context, id, payouts);
    return work;
  };
  const runtime = createRuntime({ due: { ...DUE_HANDLERS, [kind]: handler }, noteBug: (error, about) => void fault.told.push(`${about}: ${String(error)}`) });
  return { fault, chain: world({ ...options, runtime }) };
}

const failing = (chain: Chain) => chain.read.failedWork();
const of = (chain: Chain, type: string) => chain.events.filter((event) => event.type === type);
const only = (id: number) => (_: unknown, due: number) => {
  if (due === id) throw new Error("no such thing");
};

describe("a bug in a bill", () => {
  const { chain, fault } = buggy("contract", only(1));
  chain.do("user", nodeCall(chain, { depositUnits: 20n * TFT }), nodeCall(chain, { depositUnits: 20n * TFT }));
  const startMs = chain.timeMs;
  const [before] = chain.read.contracts({});
  chain.run(HOUR, UP);

  it("undoes that bill and no other", () => {
    const [first, second] = chain.read.contracts({});
    expect(first).toEqual(before);
    expect(second?.billedUnits).toBe(second?.costPerHourUnits);
    expect(of(chain, "contracts.billed")).toMatchObject([{ contractId: 2 }]);
    expect(chain.runtime.invariants(chain.state)).toEqual([]);
  });

  it("is told to everybody, and to the log", () => {
    const row = { id: 1, kind: "contract", subject: 1, reason: "no such thing", failures: 1, retryAtMs: startMs + HOUR + WORK_RETRY.firstMs };
    expect(failing(chain)).toEqual([{ ...row, firstFailedAtMs: startMs + HOUR, lastFailedAtMs: startMs + HOUR }]);
    expect(of(chain, "work.failed")).toEqual([{ type: "work.failed", ...row }]);
    expect(fault.told).toEqual(["contract 1: Error: no such thing"]);
  });

  it("is met again after twice as long each time, at most an hour", () => {
    chain.run(6 * HOUR, { ...UP, stepMs: 1_000 * 60 });
    const tries = of(chain, "work.failed").map((event) => (event.type === "work.failed" ? event.retryAtMs - startMs : 0));
    expect(tries.map((at, index) => (at - (tries[index - 1] ?? HOUR)) / MINUTE)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]);
    expect(failing(chain)).toMatchObject([{ failures: 11, firstFailedAtMs: startMs + HOUR }]);
  });

  it("costs nobody anything once it is mended: the bill counts all the time", () => {
    fault.mended = true;
    chain.run(HOUR, UP);
    const [first, second] = chain.read.contracts({});
    expect(failing(chain)).toEqual([]);
    expect(of(chain, "work.recovered")).toEqual([{ type: "work.recovered", id: 1, kind: "contract", subject: 1, failures: 11 }]);
    const hours = BigInt((first!.settledAtMs - startMs) / MINUTE);
    expect(first!.billedUnits).toBe((first!.costPerHourUnits * hours) / 60n);
    chain.do("user", { type: "contracts.cancel", contractId: first!.id }, { type: "contracts.cancel", contractId: second!.id });
    const [one, other] = chain.read.contracts({});
    expect(one?.billedUnits).toBe(other?.billedUnits);
  });
});

describe("what had failed", () => {
  it("ends with the thing itself, when its owner ends it", () => {
    const { chain } = buggy("contract", only(1));
    chain.do("user", nodeCall(chain, { depositUnits: 20n * TFT }));
    chain.run(HOUR, UP);
    expect(failing(chain)).toHaveLength(1);
    chain.do("user", { type: "contracts.cancel", contractId: chain.read.contracts({})[0]!.id });
    expect(failing(chain)).toEqual([]);
    expect(chain.held("user")).toBe(0n);
  });

  it("is a node's silence, a node's book, a solution's bill or the end of a vote as well", () => {
    const noted = (["book", "node", "proposal", "solution"] as const).map((kind) => {
      const { chain, fault } = buggy(kind, () => {
        throw new TypeError("said differently by every version of the language");
      });
      chain.do("agent", partCall(chain, makeSolution(chain)));
      chain.do("user", { type: "accounts.stake", amountUnits: TFT, level: 3 });
      chain.do("user", { type: "governance.propose", change: { type: "parameter", name: "pricing.cuMicroUsdPerHour", value: 40_000 }, document: null });
      const { governance, reputation } = chain.read.policy();
      chain.run(Math.max(governance.votingMs, reputation.evidenceMs) + 2 * HOUR, { up: [], stepMs: HOUR });
      const rows = failing(chain).map((row) => `${row.kind} ${row.reason}`);
      fault.mended = true;
      chain.run(2 * HOUR, { up: [], stepMs: HOUR });
      expect(failing(chain)).toEqual([]);
      return rows[0];
    });
    expect(noted).toEqual(["book TypeError", "node TypeError", "proposal TypeError", "solution TypeError"]);
  });
});

describe("a vote whose end has failed", () => {
  it("is over all the same", () => {
    const { chain, fault } = buggy("proposal", () => {
      throw new Error("a bug");
    });
    chain.do("user", { type: "accounts.stake", amountUnits: TFT, level: 3 });
    chain.run(1_000);
    chain.do("farmer", { type: "governance.propose", change: { type: "parameter", name: "pricing.cuMicroUsdPerHour", value: 40_000 }, document: null });
    const { id, endsAtMs } = chain.read.proposals({})[0]!;
    chain.do("user", { type: "governance.vote", proposalId: id, farmId: null, approve: true });
    chain.run(endsAtMs - chain.timeMs, { stepMs: 5 * HOUR });
    expect(failing(chain)).toMatchObject([{ kind: "proposal", subject: id }]);
    expect(chain.read.proposal(id)?.state).toBe("voting");
    chain.refuse("governance.not_voting", "user", { type: "governance.vote", proposalId: id, farmId: null, approve: false });
    fault.mended = true;
    chain.run(2 * MINUTE);
    expect(chain.read.proposal(id)).toMatchObject({ state: "rejected", depositUnits: 0n });
    expect(failing(chain)).toEqual([]);
  });
});

describe("a bug that no handler throws", () => {
  it("is a row that cannot be written", () => {
    const { chain } = buggy("contract", ({ state }, id) => {
      const row = contracts.get(state, id as never)!;
      contracts.put(state, row.id, { ...row, escrowUnits: -1n });
    });
    chain.do("user", nodeCall(chain, { depositUnits: 20n * TFT }));
    chain.run(HOUR, UP);
    expect(failing(chain)).toMatchObject([{ reason: expect.stringContaining("codec.invalid_value") as string }]);
  });

  it("is work that leaves its entry where it was: it would be done in every block for ever", () => {
    const runtime = createRuntime({ due: { ...DUE_HANDLERS, contract: () => 1 } });
    const chain = world({ params: MAIN, runtime });
    chain.do("user", nodeCall(chain, { depositUnits: 20n * TFT }));
    chain.run(HOUR + MINUTE, UP);
    expect(failing(chain)).toMatchObject([{ kind: "contract", subject: 1, reason: "contract 1 is as due after its work as before", failures: 2 }]);
  });

  it("is no failure of the machine: that stops it before anything is written", () => {
    const { chain } = buggy("contract", () => {
      throw new RangeError("Maximum call stack size exceeded");
    });
    chain.do("user", nodeCall(chain, { depositUnits: 20n * TFT }));
    expect(() => chain.run(HOUR, UP)).toThrow("call stack");
    expect(of(chain, "work.failed")).toEqual([]);
    const disk = world({ params: MAIN });
    disk.do("user", nodeCall(disk, { depositUnits: 20n * TFT }));
    const get = disk.state.get.bind(disk.state);
    disk.state.get = (key) => {
      if (key.startsWith("contract/")) throw new TypeError("the disk is gone");
      return get(key);
    };
    disk.timeMs += HOUR;
    expect(() => disk.runtime.beginBlock(disk.state, disk.context())).toThrow("the disk is gone");
  });
});

describe("an entry of what is over already", () => {
  it("carries nothing out a second time, and is there to be seen", () => {
    const chain = world({ params: MAIN });
    chain.do("user", nodeCall(chain, { depositUnits: 20n * TFT }));
    const solution = makeSolution(chain);
    chain.do("user", { type: "solutions.cancel", solutionId: solution.id });
    chain.do("user", { type: "contracts.cancel", contractId: chain.read.contracts({})[0]!.id });
    chain.do("farmer", { type: "governance.propose", change: { type: "parameter", name: "pricing.cuMicroUsdPerHour", value: 40_000 }, document: null });
    chain.run(chain.read.policy().governance.votingMs + HOUR, { up: ["node1", "node2"], stepMs: 5 * HOUR });
    expect(chain.read.proposals({})).toMatchObject([{ state: "rejected", depositUnits: 0n }]);
    const money = () => ["user", "farmer", "foundation", "pool"].map((name) => [chain.free(name), chain.held(name)]);
    const before = money();
    const dueMs = chain.timeMs + 1_000;
    for (const kind of ["contract", "solution", "proposal"] as const) moveDue(chain.state, { kind, id: 1, from: 0, to: dueMs });
    moveDue(chain.state, { kind: "node", id: 77, from: 0, to: dueMs });
    chain.timeMs = dueMs;
    chain.runtime.beginBlock(chain.state, chain.context());
    expect(failing(chain).map(({ reason }) => reason)).toEqual([
      "contract 1 is due but does not live",
      "node 77 is watched but does not exist",
      "proposal 1 is due but rejected",
      "solution 1 is due but does not live",
    ]);
    expect(money()).toEqual(before);
    // It is no livelock either: the next block wants none of them.
    expect(chain.runtime.nextDueMs(chain.state)).toBeGreaterThan(dueMs);
  });
});

describe("work that other work of the same block has ended", () => {
  for (const lateMs of [0, 1, 2, 50, 900]) {
    it(`is left out: a rent's end, and what was on its node, ${lateMs} ms late`, () => {
      const chain = world({ params: { settlementIntervalMs: 10_000, graceMs: 30_000, heartbeatIntervalMs: 20_000 } });
      chain.do("user", { type: "contracts.create_rent", nodeId: chain.nodeOf("node1"), depositUnits: TFT / 10n });
      chain.do("user", nodeCall(chain, { depositUnits: 20n * TFT }));
      while (chain.read.contracts({ active: true }).length > 0) {
        const beats = ["node1", "node2"].map((name) => chain.unsigned(name, [{ type: "nodes.heartbeat", nodeId: chain.nodeOf(name), uptimeSec: 1 }]));
        chain.next(Math.max(1, (chain.runtime.nextDueMs(chain.state) ?? 0) + lateMs - chain.timeMs), beats);
      }
      expect(chain.read.contracts({})).toMatchObject([{ deletedCause: "out_of_funds" }, { deletedCause: "rent_ended" }]);
      expect(of(chain, "work.failed")).toEqual([]);
      expect(chain.read.account(accountOf("user")).heldUnits).toBe(0n);
    });
  }
});
