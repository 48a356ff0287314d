/**
 * Random users at work: whatever they ask for, in whatever order, the invariants hold after every block, and a second ledger that
 * carries out the same blocks ends in the same state.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRuntime } from "../../src/runtime/index.ts";
import { overlay } from "../../src/runtime/store/overlay.ts";
import type { Call } from "../../src/types/calls.ts";
import {
  type Chain,
  MemoryState,
  accountOf,
  cid,
  makeSolution,
  nodeCall,
  partCall,
  share,
  twinCall,
  world,
} from "../unit/runtime-harness.ts";

const PEOPLE = ["user", "other", "agent", "farmer", "node1", "node2", "stranger"] as const;
const id = (value: number): never => value as never;

interface Step {
  readonly who: (typeof PEOPLE)[number];
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly units: bigint;
}

const step: fc.Arbitrary<Step> = fc.record({
  who: fc.constantFrom(...PEOPLE),
  kind: fc.nat({ max: 18 }),
  a: fc.integer({ min: 1, max: 6 }),
  b: fc.integer({ min: 1, max: 3 }),
  units: fc.bigInt({ min: 1n, max: 3_000_000n }),
});
const block = fc.record({
  afterMs: fc.constantFrom(1, 900, 5_000, 12_000, 31_000),
  /** Most transactions have one call; a batch is refused when one of its calls is. */
  txs: fc.array(fc.oneof({ weight: 4, arbitrary: fc.tuple(step) }, { weight: 1, arbitrary: fc.tuple(step, step) }), {
    minLength: 2,
    maxLength: 6,
    size: "max",
  }),
  alive: fc.constantFrom(true, true, true, false),
  /** The chain itself stands still meanwhile. */
  still: fc.constantFrom(false, false, false, true),
});

/** Whoever may do it, three times of four; else anybody. */
function actorOf({ kind, who, a }: Step): string {
  const right = ["user", "agent", "agent", "user", "agent", "other", a > 4 ? "user" : "agent", "user", "node1", "user", "other", "user"][
    kind
  ];
  return (a + kind) % 4 === 0 ? who : (right ?? ["user", "user", "agent", "user", "farmer", "other", "stranger"][kind - 12] ?? who);
}

/** Contracts with and without a solution, money for everybody. */
function populated(): Chain {
  const chain = world({
    rich: ["farmer", "user", "agent", "other", "stranger"],
    params: { settlementIntervalMs: 10_000, graceMs: 30_000, heartbeatIntervalMs: 20_000 },
  });
  for (const name of ["node1", "node2"]) chain.do("farmer", { type: "accounts.transfer", to: accountOf(name), amountUnits: 10_000_000n });
  for (const name of ["s1", "s2"]) {
    const two = {
      signers: [
        ["user", 1],
        ["other", 1],
      ] as const,
      thresholds: { provision: 1, amend: 2, delete: 2 },
    };
    const solution = makeSolution(chain, { name, depositUnits: 250_000n, ...(name === "s2" ? two : {}) });
    chain.do("agent", partCall(chain, solution), partCall(chain, solution, { nodeId: chain.nodeOf("node2"), networks: [share(2)] }));
  }
  chain.do("user", nodeCall(chain, { depositUnits: 60_000n }), nodeCall(chain, { depositUnits: 5_000_000n }));
  return chain;
}

/** Ids are guessed, so that many calls are refused and many are not. */
function callOf(chain: Chain, { kind, a, b, units }: Step): Call {
  const size = { cpuMilli: a * 1_000, memoryBytes: a * 4 * 2 ** 30, ssdBytes: b * 2 ** 30, hddBytes: 0 };
  const solutionId = id(b);
  const name = `s${b}`;
  const pendingVersion = chain.read.solution(solutionId)?.pending?.version ?? 1;
  const version = chain.read.solution(solutionId)?.version ?? 0;
  const part = {
    solutionId,
    solutionVersion: Math.max(1, version),
    depositUnits: 0n,
    networks: [share(a)],
    resources: { ...size, cpuMilli: b * 100 },
  };
  const calls: readonly (() => Call)[] = [
    () => nodeCall(chain, { depositUnits: units, resources: size, nodeId: id(b) }),
    () => nodeCall(chain, { ...part, nodeId: id(1 + (a % 2)) }),
    () => nodeCall(chain, { ...part, nodeId: id(1 + (b % 2)) }),
    () => ({ type: "contracts.cancel", contractId: id(a) }),
    () => ({ type: "contracts.cancel", contractId: id(a + 6) }),
    () => ({ type: "contracts.deposit", contractId: id(a), amountUnits: units }),
    () => ({
      type: "contracts.update_node",
      contractId: id(a),
      instruction: cid("u"),
      resources: size,
      networks: [],
      ...(a > 4 ? {} : { solutionVersion: b }),
    }),
    () => ({
      type: "contracts.create_name",
      name: `n${b}`,
      gatewayNodeId: id(2),
      solutionId: a > 3 ? solutionId : null,
      depositUnits: a > 3 ? 0n : units,
    }),
    () => ({
      type: "contracts.report",
      contractId: id(a),
      report: { version: b, state: "running", networks: [], zmachines: [], routes: [] },
    }),
    () => ({
      type: "solutions.create",
      name,
      document: cid(name),
      agentTwinId: chain.twin("agent"),
      signers: [chain.twin("user"), chain.twin("other")].slice(0, 1 + (a % 2)).map((twinId) => ({ twinId, weight: 1 })),
      thresholds: { provision: 1, amend: 1 + (a % 2), delete: 1 + (a % 2) },
      budgetPerHourUnits: 30_000_000n,
      depositUnits: units,
    }),
    () => ({
      type: "solutions.sign",
      solutionId,
      version: pendingVersion,
      document: chain.read.solution(solutionId)?.pending?.document ?? null,
    }),
    () => ({ type: "solutions.amend", solutionId, version: version + 1, document: cid(`d${a}`), budgetPerHourUnits: units * 20n }),
    () => ({ type: "solutions.cancel", solutionId }),
    () => ({ type: "solutions.deposit", solutionId, amountUnits: units }),
    () => ({ type: "solutions.set_state", solutionId, version, state: "running", code: "ok", message: "" }),
    () => ({
      type: "solutions.add_member",
      solutionId,
      name: `m${a}`,
      network: "net",
      publicKey: chain.read.twin(id(a))?.encryptionKey ?? ("00".repeat(32) as never),
    }),
    () => ({ type: "nodes.set_maintenance", nodeId: id(b), mode: a === 1 ? "cordon" : "none", noticeUntilMs: 0 }),
    () => ({ type: "accounts.transfer", to: accountOf(PEOPLE[a] ?? "user"), amountUnits: units }),
    () => twinCall("stranger"),
  ];
  return (calls[kind] ?? calls[0]!)();
}

/** Carries blocks out on two ledgers and counts what happened. */
function walk(blocks: readonly (typeof block extends fc.Arbitrary<infer B> ? B : never)[], seen: Set<string>): void {
  const chain = populated();
  const second = createRuntime();
  const copy = new MemoryState();
  for (const [key, value] of chain.state.map) copy.set(key, value);
  chain.events.length = 0;
  for (const { afterMs, txs, alive, still } of blocks) {
    const beats = alive ? ["node1", "node2"].map((name) => [name, [heartbeat(chain, name)]] as const) : [];
    const wanted = txs.map((steps) => [actorOf(steps[0]), steps.map((entry) => callOf(chain, entry))] as const);
    const nonces = new Map<string, number>();
    const bytes = [...beats, ...wanted].map(([who, calls]) => {
      const nonce = nonces.get(who) ?? chain.read.account(accountOf(who)).nonce;
      nonces.set(who, nonce + 1);
      return chain.unsigned(who, calls, { nonce });
    });
    const endMs = chain.timeMs + afterMs;
    for (const nextMs of still ? [] : chain.idle(endMs)) {
      chain.timeMs = nextMs;
      for (const [runtime, state] of [[chain.runtime, chain.state], [second, copy]] as const) {
        const events = runtime.beginBlock(state, chain.context());
        if (runtime === second) chain.events.push(...events);
      }
    }
    for (const outcome of chain.next(endMs - chain.timeMs, bytes)) seen.add(outcome.error?.code ?? "ok");
    second.beginBlock(copy, chain.context());
    for (const tx of bytes) second.deliverTx(copy, chain.context(), second.decodeTx(tx, 1 << 20));
  }
  for (const event of chain.events) seen.add("cause" in event ? `${event.type}: ${event.cause}` : event.type);
  expect(copy.dump()).toBe(chain.state.dump());
}

describe("random calls", () => {
  it("keep every invariant, and two ledgers agree", () => {
    const seen = new Set<string>();
    const blocks = fc.array(block, { minLength: 10, maxLength: 25, size: "max" });
    fc.assert(
      fc.property(blocks, (list) => walk(list, seen)),
      // A fixed walk, so that what it must have reached below is no matter of luck.
      { numRuns: 30, seed: 7 },
    );
    // The walk reached the corners of a contract's life, and was refused for many reasons.
    const corners = ["contracts.deleted: canceled_by_owner", "contracts.deleted: canceled_by_agent", "contracts.deleted: out_of_funds"];
    const more = [
      "contracts.grace",
      "contracts.resumed",
      "contracts.updated",
      "contracts.reported",
      "nodes.down",
      "solutions.accepted",
      "ok",
    ];
    expect([...corners, ...more, "contracts.deleted: solution_cancelled", "solutions.member"].filter((name) => !seen.has(name))).toEqual(
      [],
    );
    expect(seen.size).toBeGreaterThan(40);
  });
});

const heartbeat = (chain: Chain, name: string): Call => ({ type: "nodes.heartbeat", nodeId: chain.nodeOf(name), uptimeSec: 1 });

const LETTERS = ["a", "b", "c", "d", "e", "f", "g", "h"] as const;

describe("the overlay", () => {
  it("reads and ranges as the state will after its commit, and leaves the state alone before", () => {
    const key = fc.constantFrom(...LETTERS);
    const write = fc.tuple(key, fc.option(fc.nat({ max: 255 })));
    const range = fc.record({ gte: key, lt: key, limit: fc.option(fc.nat({ max: 5 }), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(write), fc.array(write), range, (below, above, { gte, lt, limit }) => {
        const base = new MemoryState();
        const model = new MemoryState();
        const put = (
          state: { set(k: string, v: Uint8Array): void; delete(k: string): void },
          [name, value]: readonly [string, number | null],
        ): void => (value === null ? state.delete(name) : state.set(name, new Uint8Array([value])));
        for (const entry of below) for (const state of [base, model]) put(state, entry);
        const before = base.dump();
        const layer = overlay(base);
        for (const entry of above) for (const state of [layer, model]) put(state, entry);
        const options = { gte, lt, ...(limit === undefined ? {} : { limit }) };
        expect([...layer.range(options)]).toEqual([...model.range(options)]);
        for (const name of LETTERS) expect(layer.get(name)).toEqual(model.get(name));
        expect(base.dump()).toBe(before);
        layer.commit();
        expect(base.dump()).toBe(model.dump());
      }),
    );
  });
});
