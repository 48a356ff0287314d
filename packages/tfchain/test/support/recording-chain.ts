/** A chain in memory whose every block is written down, with transactions that are really signed: what any engine can carry out. */
import { type Hex, bytesToHex } from "@tfgrid/primitives";
import fc from "fast-check";
import { type RecordedChain, carryOutBlocks, recordedChain } from "../../src/engines/index.ts";
import { MAIN_POLICY } from "../../src/runtime/policy/presets.ts";
import { type BlockContext, type TxOutcome, createRuntime, genesisToJson, validatorAddressOf } from "../../src/runtime/index.ts";
import { memoryStorage } from "../../src/state/index.ts";
import type { Call, CallType } from "../../src/types/calls.ts";
import { height as heightSchema } from "../../src/types/entities.ts";
import type { MisbehaviourReport } from "../../src/types/validators.ts";
import { Chain, accountOf, keyOf, makeSolution, partCall } from "../unit/runtime-harness.ts";
import { CALL_TYPES, type Dice, MAKERS, NAMES, type Wish, holder } from "./random-calls.ts";

export class RecordingChain extends Chain {
  readonly blocks: { readonly height: number; readonly timeMs: number; readonly txs: readonly Hex[]; readonly misbehaviour?: readonly MisbehaviourReport[] }[] = [];

  /** Those that an engine makes meanwhile are blocks like any other. */
  override block(afterMs: number, txs: readonly Uint8Array[] = []): TxOutcome[] {
    const endMs = this.timeMs + afterMs;
    for (const nextMs of this.idle(endMs)) this.next(nextMs - this.timeMs, []);
    return this.next(endMs - this.timeMs, txs);
  }

  override next(afterMs: number, txs: readonly Uint8Array[]): TxOutcome[] {
    const outcomes = super.next(afterMs, txs);
    const { misbehaviour } = this;
    this.blocks.push({ height: this.height, timeMs: this.timeMs, txs: txs.map(bytesToHex), ...(misbehaviour === undefined ? {} : { misbehaviour }) });
    this.misbehaviour = undefined;
    return outcomes;
  }

  readonly asked = new Set<CallType>();
  /** What consensus says of validators in the next block. */
  misbehaviour: readonly MisbehaviourReport[] | undefined;

  override context(): BlockContext {
    return { ...super.context(), ...(this.misbehaviour === undefined ? {} : { misbehaviour: this.misbehaviour }) };
  }

  override unsigned(name: string, calls: readonly Call[], over: Partial<{ nonce: number }> = {}): Uint8Array {
    for (const { type } of calls) this.asked.add(type);
    return this.signed(keyOf(name), calls, over.nonce);
  }
}

const MINUTE = 60_000;
const PAGE = { limit: 1_000 };

/** A farm, people and a solution. */
function begun(): RecordingChain {
  const { governance, price, rewards, reputation, stake } = MAIN_POLICY;
  const chain = new RecordingChain({
    rich: NAMES.filter((name) => !name.startsWith("node")),
    validators: [{ publicKey: accountOf("validator"), power: 10 }],
    params: { settlementIntervalMs: 10_000, graceMs: 30_000, heartbeatIntervalMs: 20_000 },
    charter: { certifiers: ["cert1", "cert2"].map(accountOf), feeders: ["feed1", "feed2"].map(accountOf) },
    policy: {
      stake: { ...stake, monthMs: MINUTE },
      price: { ...price, minFeeders: 2, freshMs: 5 * MINUTE, stepMs: 1_000 },
      rewards: { ...rewards, periodMs: 2 * MINUTE, violationWitnesses: 2 },
      governance: { ...governance, votingMs: 30_000, timeLockMs: 20_000, minVoters: 2, depositUnits: 1_000_000n, provenMs: 0, quorumPercent: 5 },
      reputation: { ...reputation, halfLifeMs: 30 * MINUTE, evidenceMs: 10_000, noticeMs: 1_000 },
    },
  });
  chain.makeFarm("farmer");
  for (const name of ["user", "agent", "other"]) chain.makeTwin(name);
  chain.makeNode("node1");
  chain.makeNode("node2", "farmer", { publicConfig: { domain: "gw.example.org" } });
  for (const name of ["node1", "node2", "node3", "node4"]) chain.do("farmer", { type: "accounts.transfer", to: accountOf(name), amountUnits: 100_000_000n });
  const solution = makeSolution(chain, { depositUnits: 400_000n });
  chain.do("agent", partCall(chain, solution, { nodeId: chain.nodeOf("node2") }));
  chain.do("other", { type: "accounts.stake", amountUnits: 2_000_000_000n, level: 3 });
  chain.run(MINUTE, { up: ["node1", "node2"] });
  serve(chain);
  decide(chain);
  const offence = { power: 10, totalPower: 10, height: heightSchema.fromCbor(chain.height), timeMs: chain.timeMs };
  chain.misbehaviour = [
    { kind: "duplicate_vote", address: validatorAddressOf(accountOf("validator")), ...offence },
    { kind: "light_client_attack", address: "11".repeat(20) as Hex, ...offence },
  ];
  chain.block(1, []);
  return chain;
}

/** A service that is agreed, paid for and billed. */
function serve(chain: RecordingChain): void {
  const [service, consumer] = [chain.twin("other"), chain.twin("user")];
  chain.do("other", { type: "services.create", serviceTwinId: service, consumerTwinId: consumer, baseUnitsPerHour: 1_000_000n, variableUnitsPerHour: 360_000n, metadata: "work" });
  const serviceId = chain.read.services(PAGE)[0]!.id;
  for (const name of ["other", "user"]) chain.do(name, { type: "services.approve", serviceId, version: 1 });
  chain.do("user", { type: "services.deposit", serviceId, amountUnits: 1_000_000n });
  chain.run(5_000, { up: ["node1", "node2"] });
  chain.do("other", { type: "services.bill", serviceId, variableUnits: 5n });
}

/** A proposal that passes, and one half of what it takes to stop it. */
function decide(chain: RecordingChain): void {
  chain.do("user", { type: "governance.propose", change: { type: "parameter", name: "pricing.cuMicroUsdPerHour", value: 31_000 }, document: null });
  const proposalId = chain.read.proposals(PAGE)[0]!.id;
  const farmId = chain.read.farms(PAGE)[0]!.id;
  chain.do("farmer", { type: "governance.vote", proposalId, farmId, approve: true });
  chain.do("other", { type: "governance.vote", proposalId, farmId: null, approve: true });
  chain.run(31_000, { up: ["node1", "node2"] });
  chain.do("farmer", { type: "governance.veto", proposalId, farmId });
}

const dice = fc.record({ a: fc.nat({ max: 999 }), b: fc.nat({ max: 999 }), c: fc.nat({ max: 999 }), units: fc.bigInt({ min: 1n, max: 3_000_000n }) });
const CALLS_PER_BLOCK = 6;
const PAUSES_MS = [1, 900, 5_000, 12_000, 31_000] as const;

/** Nodes that live, and whoever weighs anything in favour of everything: else hardly a proposal would pass. */
function regulars(chain: RecordingChain): Wish[] {
  const nodes = chain.read.nodes(PAGE);
  const beats = nodes.map(({ id, twinId }): Wish => ({ who: holder(chain, twinId), call: { type: "nodes.heartbeat", nodeId: id, uptimeSec: 1 } }));
  const farms = chain.read.farms(PAGE).filter(({ id }) => nodes.some(({ farmId }) => farmId === id));
  const open = chain.read.proposals(PAGE).filter(({ state }) => state === "voting");
  const stakes = chain.read.twins(PAGE).filter(({ id }) => chain.read.stake(id) !== undefined);
  const voters = [...farms.map(({ id, twinId }) => [twinId, id] as const), ...stakes.map(({ id }) => [id, null] as const)];
  const votes = open.flatMap(({ id }) => voters.map(([twinId, farmId]): Wish => ({ who: holder(chain, twinId), call: { type: "governance.vote", proposalId: id, farmId, approve: true } })));
  return [...beats, ...votes];
}

/** Every kind of call again and again, by people who look at the ledger before they ask: always the same chain for a seed. */
export function recordHistory(options: { readonly randomBlocks: number; readonly seed: number }): RecordedChain {
  const { randomBlocks, seed } = options;
  const chain = begun();
  const rolled = fc.sample(dice, { numRuns: randomBlocks * CALLS_PER_BLOCK, seed });
  for (let index = 0; index < randomBlocks; index += 1) {
    const wishes = rolled.slice(index * CALLS_PER_BLOCK, (index + 1) * CALLS_PER_BLOCK).flatMap((entry, at): Wish[] => {
      // Round and round through all kinds, so that none is a matter of luck.
      const type = CALL_TYPES[(index * CALLS_PER_BLOCK + at + seed) % CALL_TYPES.length]!;
      return [MAKERS[type](chain, entry) as Wish | undefined ?? []].flat();
    });
    const nonces = new Map<string, number>();
    const txs = [...(index % 5 === 4 ? [] : regulars(chain)), ...wishes].map(({ who, call }) => {
      const nonce = nonces.get(who) ?? chain.read.account(accountOf(who)).nonce;
      nonces.set(who, nonce + 1);
      return chain.unsigned(who, [call], { nonce });
    });
    chain.block(PAUSES_MS[index % PAUSES_MS.length]!, txs);
  }
  complete(chain, rolled);
  return withHashes(chain);
}

/** What must have been asked for before a kind can be. */
const BEFORE: { readonly [K in CallType]?: CallType } = { "twins.accept": "twins.offer", "farms.accept": "farms.offer", "services.update": "services.create", "solutions.remove_member": "solutions.add_member" };

/** Kinds that chance left out: whenever the ledger lets somebody ask. */
function complete(chain: RecordingChain, rolled: readonly Dice[]): void {
  for (const type of CALL_TYPES) {
    for (const entry of chain.asked.has(type) ? [] : rolled.slice(0, 50)) {
      const earlier = BEFORE[type];
      const first = earlier === undefined ? undefined : (MAKERS[earlier](chain, entry) as Wish | undefined);
      if (first !== undefined) chain.block(1_000, [chain.unsigned(first.who, [first.call])]);
      const wish = MAKERS[type](chain, entry) as Wish | undefined;
      if (wish === undefined) continue;
      chain.block(1_000, [chain.unsigned(wish.who, [wish.call])]);
      break;
    }
  }
}

function withHashes({ genesis, blocks }: RecordingChain): RecordedChain {
  const json = genesisToJson(genesis);
  const unhashed = recordedChain.fields.blocks.fromJson(blocks.map((entry) => ({ ...entry, appHash: "00".repeat(32) })));
  const [first, ...hashes] = [...carryOutBlocks({ runtime: createRuntime(), storage: memoryStorage(), chain: { genesis: json, blocks: unhashed } })];
  return {
    genesis: json,
    genesisAppHash: first!.appHash,
    blocks: unhashed.map((entry, index) => ({ ...entry, appHash: hashes[index]!.appHash })),
  };
}
