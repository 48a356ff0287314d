/** A chain in memory: the runtime, a sorted map and hand-made blocks. Checks the invariants after every block. */
import assert from "node:assert/strict";
import { type AccountId, type CidText, type Hex, type KeyPair, bytesToHex, cidOf, encode, keyPairFromSeed, utf8 } from "@tfgrid/primitives";
import { type BlockContext, type Genesis, type GenesisOptions, type Runtime, type TxOutcome, createRuntime, defaultGenesis } from "../../src/runtime/index.ts";
import { MAIN_POLICY } from "../../src/runtime/policy/presets.ts";
import type { StateWriter } from "../../src/runtime/api.ts";
import type { CallOf } from "../../src/runtime/context.ts";
import type { Solution } from "../../src/types/entities.ts";
import { type Call, type JoinToken, joinTokenBody, signedTransaction, transactionBody } from "../../src/types/calls.ts";
import type { ChainEvent } from "../../src/types/events.ts";

export const CHAIN = "test-chain";
export const TFT = 10_000_000n;

const KEYS = new Map<string, KeyPair>();
export const keyOf = (name: string): KeyPair => {
  const known = KEYS.get(name);
  if (known !== undefined) return known;
  const seed = new Uint8Array(32);
  seed.set(utf8(name).subarray(0, 32));
  const pair = keyPairFromSeed(seed);
  KEYS.set(name, pair);
  return pair;
};
export const cid = (text: string): CidText => cidOf(utf8(text));

export class MemoryState implements StateWriter {
  readonly map = new Map<string, Uint8Array>();
  /** Sorted, until a key comes or goes. */
  #keys: readonly string[] | undefined;
  get(key: string): Uint8Array | undefined {
    return this.map.get(key);
  }
  set(key: string, value: Uint8Array): void {
    if (!this.map.has(key)) this.#keys = undefined;
    this.map.set(key, value);
  }
  delete(key: string): void {
    if (this.map.delete(key)) this.#keys = undefined;
  }
  *range({
    gte,
    lt,
    limit = Infinity,
  }: {
    readonly gte: string;
    readonly lt: string;
    readonly limit?: number;
  }): Iterable<readonly [string, Uint8Array]> {
    this.#keys ??= [...this.map.keys()].sort();
    const keys = this.#keys;
    let [low, high] = [0, keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((keys[middle] as string) < gte) low = middle + 1;
      else high = middle;
    }
    for (let sent = 0; sent < limit; low += 1, sent += 1) {
      const key = keys[low];
      if (key === undefined || key >= lt) return;
      const value = this.map.get(key);
      if (value === undefined) throw new Error(`${key} was deleted while a range was read`);
      yield [key, value];
    }
  }
  /** Every key and value, in order. */
  dump(): string {
    return [...this.map.keys()]
      .sort()
      .map((key) => `${key}=${bytesToHex(this.map.get(key) as Uint8Array)}`)
      .join("\n");
  }
}

export const PLAIN_RESOURCES = { cpuMilli: 4_000, memoryBytes: 8 * 2 ** 30, ssdBytes: 100 * 2 ** 30, hddBytes: 0 };
export const PROFILE = {
  total: { cpuMilli: 16_000, memoryBytes: 64 * 2 ** 30, ssdBytes: 1_000 * 2 ** 30, hddBytes: 0 },
  location: { country: "Belgium", city: "Ghent", latitudeMicro: 51_050_000, longitudeMicro: -3_730_000 },
  interfaces: [{ name: "eth0", mac: "00:00:00:00:00:01", addresses: ["10.0.0.2/24"] }],
  meshKey: bytesToHex(new Uint8Array(32).fill(7)),
  meshEndpoints: [],
  isolation: ["container" as const],
  softwareVersion: "0.1.0",
};

export class Chain {
  readonly runtime: Runtime;
  /** Its program is a test's own, with bugs in it. */
  readonly #buggy: boolean;
  readonly state = new MemoryState();
  readonly events: ChainEvent[] = [];
  height = 0;
  timeMs: number;
  readonly genesis: Genesis;
  readonly foundation = keyOf("foundation");
  readonly pool = keyOf("pool");

  constructor(options: Partial<GenesisOptions> & { readonly rich?: readonly string[]; readonly startMs?: number; readonly runtime?: Runtime } = {}) {
    const { rich = [], startMs = 1_800_000_000_000, runtime, ...rest } = options;
    this.runtime = runtime ?? createRuntime();
    this.#buggy = runtime !== undefined;
    this.timeMs = startMs;
    const accounts = rich.map((name) => ({ id: keyOf(name).account, freeUnits: 1_000n * TFT }));
    this.genesis = defaultGenesis({
      chainId: CHAIN,
      foundation: this.foundation.account,
      validatorsPool: this.pool.account,
      accounts,
      ...rest,
      // Books as rarely as on the main network, unless a test is about them: their blocks come between its own.
      policy: { rewards: MAIN_POLICY.rewards, reputation: MAIN_POLICY.reputation, ...rest.policy },
    });
    this.runtime.initGenesis(this.state, this.genesis, this.context());
  }

  context(): BlockContext {
    return { chainId: CHAIN, height: this.height, timeMs: this.timeMs };
  }

  get read() {
    return this.runtime.queries(this.state);
  }

  free(name: string): bigint {
    return this.read.account(keyOf(name).account).freeUnits;
  }
  held(name: string): bigint {
    return this.read.account(keyOf(name).account).heldUnits;
  }

  signed(key: KeyPair, calls: readonly Call[], nonce = this.read.account(key.account).nonce): Uint8Array {
    const body = { chainId: CHAIN, signer: key.account, nonce, expiresAtHeight: transactionBodyHeight(this.height + 100), calls };
    return encode(signedTransaction, { body, signature: key.sign("tfgrid/tx/v1", encode(transactionBody, body)) });
  }

  /** A block after `afterMs`, with these transactions; before it those that the engine makes meanwhile without any. */
  block(afterMs: number, txs: readonly Uint8Array[] = []): TxOutcome[] {
    const endMs = this.timeMs + afterMs;
    for (const nextMs of this.idle(endMs)) {
      this.timeMs = nextMs;
      this.events.push(...this.runtime.beginBlock(this.state, this.context()));
    }
    return this.next(endMs - this.timeMs, txs);
  }

  /**
   * When the engine makes blocks by itself before `endMs`. They are not counted in `height`, so that no transaction expires.
   * `lateMs`: blocks have a clock of their own, and so does whatever falls due between two of them.
   */
  *idle(endMs: number, lateMs = 0): Iterable<number> {
    for (;;) {
      const nextMs = Math.max((this.runtime.nextDueMs(this.state) ?? endMs) + lateMs, this.timeMs + 50);
      if (nextMs >= endMs) return;
      yield nextMs;
    }
  }

  /** The chain stands still for `afterMs`; then the first block. */
  standstill(afterMs: number, txs: readonly Uint8Array[] = []): TxOutcome[] {
    return this.next(afterMs, txs);
  }

  next(afterMs: number, txs: readonly Uint8Array[]): TxOutcome[] {
    this.height += 1;
    this.timeMs += afterMs;
    this.events.push(...this.runtime.beginBlock(this.state, this.context()));
    const outcomes = txs.map((bytes) => this.runtime.deliverTx(this.state, this.context(), this.runtime.decodeTx(bytes, 1 << 20)));
    for (const outcome of outcomes) this.events.push(...outcome.events);
    assert.deepEqual(this.runtime.invariants(this.state), []);
    // A bug does not stop the ledger; it stops the test.
    if (!this.#buggy) assert.deepEqual(this.read.failedWork(), []);
    return outcomes;
  }

  /** As `signed`, with a signature of zeros: the runtime leaves signatures to the engine, and real ones are slow. */
  unsigned(
    name: string,
    calls: readonly Call[],
    over: Partial<{ chainId: string; nonce: number; expiresAtHeight: number; expiresAtMs: number }> = {},
  ): Uint8Array {
    const { chainId = CHAIN, nonce = this.read.account(accountOf(name)).nonce, expiresAtHeight = this.height + 100, expiresAtMs } = over;
    const base = { chainId, signer: accountOf(name), nonce, expiresAtHeight: transactionBodyHeight(expiresAtHeight), calls };
    const body = { ...base, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
    return encode(signedTransaction, { body, signature: "00".repeat(64) as Hex });
  }

  /** One transaction in a block of its own. */
  try(name: string, ...calls: Call[]): TxOutcome {
    const [outcome] = this.block(1, [this.unsigned(name, calls)]);
    return outcome as TxOutcome;
  }

  /** As `try`, and it must succeed. */
  do(name: string, ...calls: Call[]): TxOutcome {
    const outcome = this.try(name, ...calls);
    assert.equal(outcome.error, undefined);
    return outcome;
  }

  /** As `try`, and it must be refused with this code. */
  refuse(code: string, name: string, ...calls: Call[]): TxOutcome {
    const outcome = this.try(name, ...calls);
    assert.equal(outcome.error?.code, code);
    assert.ok(outcome.error.cure.length > 10);
    return outcome;
  }

  /** Time passes while these nodes keep sending heartbeats, one block per step. */
  run(totalMs: number, options: { readonly up?: readonly string[]; readonly stepMs?: number } = {}): void {
    const { up = [], stepMs = 5_000 } = options;
    const end = this.timeMs + totalMs;
    while (this.timeMs < end) {
      const txs = up.map((name) => this.unsigned(name, [{ type: "nodes.heartbeat", nodeId: this.nodeOf(name), uptimeSec: 1 }]));
      for (const outcome of this.block(Math.min(stepMs, end - this.timeMs), txs)) assert.equal(outcome.error, undefined);
    }
  }

  twin(name: string) {
    const twin = this.read.twinByAccount(keyOf(name).account);
    if (twin === undefined) throw new Error(`${name} has no twin`);
    return twin.id;
  }
  nodeOf(name: string) {
    const node = this.read.nodeByTwin(this.twin(name));
    if (node === undefined) throw new Error(`${name} is no node`);
    return node.id;
  }

  makeTwin(name: string): void {
    this.do(name, twinCall(name));
  }
  /** The farm of `farmer` (a rich account), with its twin. */
  makeFarm(farmer: string, farmName = "farm"): void {
    this.do(farmer, twinCall(farmer), { type: "farms.create", name: farmName, dedicated: false });
  }
  token(farmer: string, farmName = "farm", expiresAtMs = this.timeMs + 3_600_000, chainId = CHAIN): JoinToken {
    const farmId = this.read.farmByName(farmName)?.id;
    if (farmId === undefined) throw new Error("no farm");
    const body = { chainId, farmId, expiresAtMs };
    return { ...body, signature: keyOf(farmer).sign("tfgrid/join-token/v1", encode(joinTokenBody, body)) };
  }
  /** A node with no money joins and says that it lives. */
  makeNode(name: string, farmer = "farmer", extra: object = {}): void {
    this.do(name, twinCall(name), { type: "nodes.register", joinToken: this.token(farmer), ...PROFILE, ...extra });
    this.do(name, { type: "nodes.heartbeat", nodeId: this.nodeOf(name), uptimeSec: 1 });
  }
}

const transactionBodyHeight = (value: number) => transactionBody.fields.expiresAtHeight.fromCbor(value);
type NodeCall = CallOf<"contracts.create_node">;

/** A farm with two nodes (the second is a gateway) and four rich accounts with twins. */
export function world(options: ConstructorParameters<typeof Chain>[0] = {}): Chain {
  const chain = new Chain({ rich: ["farmer", "user", "agent", "other"], ...options });
  chain.makeFarm("farmer");
  for (const name of ["user", "agent", "other"]) chain.makeTwin(name);
  chain.makeNode("node1");
  chain.makeNode("node2", "farmer", { publicConfig: { domain: "gw.example.org" } });
  return chain;
}

export const nodeCall = (chain: Chain, extra: Partial<NodeCall> = {}): NodeCall => ({
  type: "contracts.create_node",
  nodeId: extra.nodeId ?? chain.nodeOf("node1"),
  solutionId: null,
  instruction: cid("one"),
  resources: PLAIN_RESOURCES,
  publicIps: 0,
  networks: [],
  depositUnits: 10n * TFT,
  ...extra,
});

export interface SolutionOptions {
  readonly name?: string;
  /** Name and weight. */
  readonly signers?: readonly (readonly [string, number])[];
  readonly thresholds?: { readonly provision: number; readonly amend: number; readonly delete: number };
  readonly budgetPerHourUnits?: bigint;
  readonly depositUnits?: bigint;
}

/** Made by `user`, carried out by `agent`; accepted at once unless the options want more signatures. */
export function makeSolution(chain: Chain, options: SolutionOptions = {}): Solution {
  const { name = "guestbook", signers = [["user", 1]], thresholds = { provision: 1, amend: 1, delete: 1 } } = options;
  const { budgetPerHourUnits = 10n * TFT, depositUnits = 50n * TFT } = options;
  const rows = signers.map(([signer, weight]) => ({ twinId: chain.twin(signer), weight }));
  const money = { budgetPerHourUnits, depositUnits };
  const agentTwinId = chain.twin("agent");
  chain.do("user", { type: "solutions.create", name, document: cid("v1"), agentTwinId, signers: rows, thresholds, ...money });
  return solutionOf(chain, name);
}

export function solutionOf(chain: Chain, name = "guestbook"): Solution {
  const found = chain.read.solutionByName(chain.twin("user"), name);
  if (found === undefined) throw new Error(`no solution ${name}`);
  return found;
}

export const share = (subnetIndex: number, cidr = "10.20.0.0/16", name = "net") => ({ name, cidr, subnetIndex });

/** A part of the solution in its accepted version, on node1 unless told otherwise. */
export function partCall(chain: Chain, solution: Solution, extra: Partial<NodeCall> = {}): NodeCall {
  const { id: solutionId, version: solutionVersion } = solution;
  return nodeCall(chain, { solutionId, solutionVersion, depositUnits: 0n, networks: [share(1)], ...extra });
}

export const twinCall = (name: string): Call => ({ type: "twins.create", relays: [], encryptionKey: keyOf(name).encryptionKey });
export const zeroResources = { cpuMilli: 0, memoryBytes: 0, ssdBytes: 0, hddBytes: 0 };
export const accountOf = (name: string): AccountId => keyOf(name).account;
