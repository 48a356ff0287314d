/** Random users of the modules beside contracts and solutions: what they may ask for, and a ledger for them to ask. */
import fc from "fast-check";
import { MAIN_POLICY } from "../../src/runtime/policy/presets.ts";
import { charterCell } from "../../src/runtime/policy/store.ts";
import type { Call } from "../../src/types/calls.ts";
import { type Chain, accountOf, cid, makeSolution, nodeCall, partCall, share, twinCall, world, zeroResources } from "../unit/runtime-harness.ts";

const PEOPLE = ["user", "other", "agent", "farmer", "node1", "node2", "heir"] as const;
const MINUTE = 60_000;
const id = (value: number): never => value as never;
export const TINY = { ...zeroResources, cpuMilli: 100, memoryBytes: 2 ** 27 };

export interface Step {
  readonly who: (typeof PEOPLE)[number];
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly units: bigint;
}

/** One of the two newest proposals: those that are still voted on. */
const newest = (chain: Chain, b: number): never => id(Math.max(1, chain.read.proposals({ limit: 1_000 }).length - (b > 2 ? 1 : 0)));

/** Who can do it, and what; ids are guessed, so that many calls are refused and many are not. */
type Maker = readonly [who: Step["who"], make: (chain: Chain, step: Step) => Call];

export const MAKERS: readonly Maker[] = [
  ["user", (_, { a, units }) => ({ type: "accounts.stake", amountUnits: units * 100n, level: a % 4 })],
  ["user", () => ({ type: "accounts.unstake" })],
  ["other", (_, { units }) => ({ type: "accounts.stake", amountUnits: units * 300n, level: 3 })],
  ["other", (_, { units }) => ({ type: "accounts.burn", amountUnits: units })],
  ["other", () => ({ type: "twins.offer", to: accountOf("heir") })],
  ["heir", (chain, { b }) => ({ type: "twins.accept", twinId: id(b + 2), relays: [], encryptionKey: chain.read.twin(id(1))?.encryptionKey ?? ("00".repeat(32) as never) })],
  ["heir", () => ({ type: "twins.close" })],
  ["heir", () => twinCall("heir")],
  ["farmer", (_, { a }) => ({ type: "farms.add_ip", farmId: id(1), ip: `185.69.166.${10 + a}/24`, gateway: "185.69.166.1" })],
  ["farmer", (_, { a }) => ({ type: "farms.remove_ip", farmId: id(1), ip: `185.69.166.${10 + a}/24` })],
  ["farmer", (_, { b }) => ({ type: "farms.set_payout", farmId: id(1), account: b === 1 ? null : accountOf("heir") })],
  ["farmer", (_, { a }) => ({ type: "farms.offer", farmId: id(1), to: a > 2 ? id(3) : null })],
  ["agent", () => ({ type: "farms.accept", farmId: id(1) })],
  ["farmer", () => ({ type: "farms.delete", farmId: id(1) })],
  ["other", (_, { a }) => ({ type: "nodes.certify", nodeId: id(1), certification: a > 3 ? "certified" : "diy" })],
  ["agent", (_, { b }) => ({ type: "nodes.report_violation", nodeId: id(b), code: "nodes.lie" })],
  ["farmer", (chain, { b }) => ({ type: "nodes.set_maintenance", nodeId: id(b), mode: b === 1 ? "none" : "drain", noticeUntilMs: chain.timeMs + 5_000 })],
  ["farmer", (_, { a, b }) => ({ type: "nodes.set_power", nodeId: id(b), target: a === 6 ? "down" : "up" })],
  ["node1", () => ({ type: "nodes.sleep", nodeId: id(1) })],
  ["farmer", (_, { a, b }) => ({ type: "farms.set_pricing", farmId: id(1), terms: a === 1 ? null : { computePercent: 40 + 20 * a, ipv4Percent: 100, trafficPercent: 70 * b, rentDiscountPercent: b === 1 ? null : 10 * b } })],
  ["farmer", (_, { a }) => ({ type: "nodes.delete", nodeId: id(a === 6 ? 2 : 9) })],
  ["user", (_, { b, units }) => ({ type: "contracts.create_rent", nodeId: id(b), depositUnits: units })],
  // Money for little more than one interval: the end of a rent comes within a walk.
  ["user", (_, { b }) => ({ type: "contracts.create_rent", nodeId: id(b), depositUnits: 130_000n })],
  ["user", (chain, { a, b, units }) => nodeCall(chain, { nodeId: id(b), depositUnits: units, resources: TINY, publicIps: a > 4 ? 1 : 0 })],
  ["agent", (chain, { a, b }) => partCall(chain, chain.read.solution(id(1))!, { nodeId: id(b), networks: [share(a)], resources: TINY })],
  ["user", (_, { a, b }) => ({ type: "contracts.cancel", contractId: id(a * b) })],
  ["agent", (_, { a, b }) => ({ type: "contracts.cancel", contractId: id(a * b) })],
  ["user", (_, { a, b, units }) => ({ type: "contracts.deposit", contractId: id(a + b), amountUnits: units })],
  ["user", (_, { units }) => ({ type: "solutions.deposit", solutionId: id(1), amountUnits: units })],
  ["node1", (_, { a, b, units }) => ({ type: "contracts.report_usage", contractId: id(a * b), publicBytes: Number(units) * 100 })],
  [
    "user",
    (_, { a, units }) => ({ type: "services.create", serviceTwinId: id(4), consumerTwinId: id(2), baseUnitsPerHour: units * 100n, variableUnitsPerHour: units, metadata: `${a}` }),
  ],
  ["other", (_, { b }) => ({ type: "services.approve", serviceId: id(b), version: 1 })],
  ["user", (_, { b }) => ({ type: "services.approve", serviceId: id(b), version: 1 })],
  ["user", (_, { b, units }) => ({ type: "services.deposit", serviceId: id(b), amountUnits: units })],
  ["other", (_, { b, a }) => ({ type: "services.bill", serviceId: id(b), variableUnits: a > 4 ? 1n : 0n })],
  ["user", (_, { b }) => ({ type: "services.cancel", serviceId: id(b) })],
  ["user", (_, { a }) => ({ type: "governance.propose", change: { type: "parameter", name: "pricing.cuMicroUsdPerHour", value: a * 10_000 }, document: null })],
  ["user", (_, { a }) => ({ type: "governance.propose", change: { type: "terms", version: a, document: cid("terms") }, document: null })],
  ["farmer", (chain, { a, b }) => ({ type: "governance.vote", proposalId: newest(chain, b), farmId: id(1), approve: a > 1 })],
  ["other", (chain, { a, b }) => ({ type: "governance.vote", proposalId: newest(chain, b), farmId: null, approve: a > 1 })],
  ["farmer", (chain, { a, b }) => ({ type: "governance.veto", proposalId: a > 4 ? newest(chain, b) : id(99), farmId: id(1) })],
  ["user", (_, { a }) => ({ type: "twins.accept_terms", version: a })],
  ["user", (_, { a }) => ({ type: "pricing.feed", tftPriceMicroUsd: a * 20_000 })],
  ["agent", (_, { a }) => ({ type: "pricing.feed", tftPriceMicroUsd: a * 25_000 })],
  ["user", (_, { a, b }) => ({ type: "reputation.dispute", contractId: id(a * b), document: null })],
  ["other", (_, { a }) => ({ type: "reputation.resolve", disputeId: id(1), upheld: a > 3 })],
  ["user", (_, { a, b }) => ({ type: "reputation.review", contractId: id(a * b), score: a * 15 })],
];

const step: fc.Arbitrary<Step> = fc.record({
  who: fc.constantFrom(...PEOPLE),
  kind: fc.nat({ max: MAKERS.length - 1 }),
  a: fc.integer({ min: 1, max: 6 }),
  b: fc.integer({ min: 1, max: 3 }),
  units: fc.bigInt({ min: 1n, max: 3_000_000n }),
});
export const block = fc.record({
  afterMs: fc.constantFrom(1, 900, 5_000, 12_000, 31_000),
  txs: fc.array(step, { minLength: 3, maxLength: 9, size: "max" }),
  alive: fc.constantFrom(true, true, true, true, false),
});
export type Block = typeof block extends fc.Arbitrary<infer B> ? B : never;

export function populated(over: Pick<NonNullable<Parameters<typeof world>[0]>, "runtime"> = {}): Chain {
  const { governance, price, rewards, reputation, stake } = MAIN_POLICY;
  const chain = world({
    ...over,
    rich: ["farmer", "user", "agent", "other", "heir"],
    params: { settlementIntervalMs: 10_000, graceMs: 30_000, heartbeatIntervalMs: 20_000 },
    charter: { certifiers: ["other", "agent"].map(accountOf), feeders: ["user", "agent"].map(accountOf) },
    policy: {
      stake: { ...stake, monthMs: MINUTE },
      price: { ...price, minFeeders: 2, freshMs: 5 * MINUTE, stepMs: 1_000 },
      rewards: { ...rewards, periodMs: 3 * MINUTE, violationWitnesses: 1 },
      governance: { ...governance, votingMs: 30_000, timeLockMs: 20_000, minVoters: 2, depositUnits: 1_000_000n, provenMs: 0, quorumPercent: 5 },
      reputation: { ...reputation, halfLifeMs: 30 * MINUTE, evidenceMs: 10_000, noticeMs: 1_000 },
    },
  });
  for (const name of ["node1", "node2"]) chain.do("farmer", { type: "accounts.transfer", to: accountOf(name), amountUnits: 10_000_000n });
  const solution = makeSolution(chain, { depositUnits: 400_000n });
  chain.do("agent", partCall(chain, solution, { nodeId: chain.nodeOf("node2"), resources: TINY }));
  chain.do("other", { type: "accounts.stake", amountUnits: 2_000_000_000n, level: 3 });
  // The nodes have proven as much time as a vote lasts.
  chain.run(MINUTE, { up: ["node1", "node2"] });
  charterCell.put(chain.state, { ...chain.read.charter(), terms: { version: 1, document: cid("terms") } });
  return chain;
}

/** Whoever may do it, nine times of ten; else anybody. */
export const actorOf = ({ who, kind, a, b }: Step): string => (a === 6 && b === 3 ? who : (MAKERS[kind]?.[0] ?? who));

/** Its twin may have been given away, and the node may have been deleted. */
function isNode(chain: Chain, name: string): boolean {
  const twin = chain.read.twinByAccount(accountOf(name));
  return twin !== undefined && chain.read.nodeByTwin(twin.id) !== undefined;
}

/** The transactions of a block: heartbeats of the nodes that live, then what people want, numbered as each account is. */
export function transactionsOf(chain: Chain, { txs, alive }: Block): Uint8Array[] {
  const nonces = new Map<string, number>();
  const sign = (who: string, call: Call): Uint8Array => {
    const nonce = nonces.get(who) ?? chain.read.account(accountOf(who)).nonce;
    nonces.set(who, nonce + 1);
    return chain.unsigned(who, [call], { nonce });
  };
  const living = alive ? ["node1", "node2"].filter((name) => isNode(chain, name)) : [];
  const beats = living.map((name) => sign(name, { type: "nodes.heartbeat", nodeId: chain.nodeOf(name), uptimeSec: 1 }));
  return [...beats, ...txs.map((entry) => sign(actorOf(entry), MAKERS[entry.kind]![1](chain, entry)))];
}
