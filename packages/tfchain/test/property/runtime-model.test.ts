/**
 * Random users at work: whatever they ask for, in whatever order, the invariants hold after every block, and a second ledger that
 * carries out the same blocks ends in the same state.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRuntime } from "../../src/runtime/index.ts";
import { overlay } from "../../src/runtime/store/overlay.ts";
import type { Call } from "../../src/types/calls.ts";
import { type Chain, MemoryState, accountOf, cid, nodeCall, share, twinCall, world } from "../unit/runtime-harness.ts";

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
  afterMs: fc.constantFrom(1, 900, 5_000, 12_000, 61_000),
  txs: fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 4 }),
});

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
      ...(b === 1 ? {} : { solutionVersion: b }),
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

describe("random calls", () => {
  it("keep every invariant, and two ledgers agree", () => {
    const outcomes = new Map<string, number>();
    fc.assert(
      fc.property(
        fc.array(block, { minLength: 1, maxLength: 25 }),
        fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }),
        (blocks, alive) => {
          const chain = world({ params: { settlementIntervalMs: 10_000, graceMs: 30_000 } });
          const twin = createRuntime();
          const copy = new MemoryState();
          for (const [key, value] of chain.state.map) copy.set(key, value);
          for (const [index, { afterMs, txs }] of blocks.entries()) {
            const beats = alive[index] ? ["node1", "node2"].map((name) => [name, [heartbeat(chain, name)]] as const) : [];
            const wanted = txs.map((steps) => [steps[0]!.who, steps.map((entry) => callOf(chain, entry))] as const);
            const nonces = new Map<string, number>();
            const bytes = [...beats, ...wanted].map(([who, calls]) => {
              const nonce = nonces.get(who) ?? chain.read.account(accountOf(who)).nonce;
              nonces.set(who, nonce + 1);
              return chain.unsigned(who, calls, { nonce });
            });
            for (const outcome of chain.block(afterMs, bytes)) {
              const what = outcome.error?.code ?? "ok";
              outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
            }
            twin.beginBlock(copy, chain.context());
            for (const tx of bytes) twin.deliverTx(copy, chain.context(), twin.decodeTx(tx, 1 << 20));
          }
          expect(copy.dump()).toBe(chain.state.dump());
        },
      ),
      { numRuns: 60 },
    );
    // The walk must not have been refused at every step.
    expect(outcomes.get("ok") ?? 0).toBeGreaterThan(100);
    expect(outcomes.size).toBeGreaterThan(10);
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
