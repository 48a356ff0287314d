/** The ledger as an ABCI application, asked as cometbft asks, in an order that the specification's grammar allows. */
import { create } from "@bufbuild/protobuf";
import { type Hex, bytesToHex, encode, hexToBytes, silentLogger, utf8 } from "@tfgrid/primitives";
import { beforeEach, describe, expect, it } from "vitest";
import { BlockStore } from "../../src/engines/block-store.ts";
import { Admission } from "../../src/engines/cometbft/admission.ts";
import { Application } from "../../src/engines/cometbft/application.ts";
import { KnownTxs } from "../../src/engines/cometbft/known-txs.ts";
import type { RequestValue, ResponseValue } from "../../src/engines/cometbft/server.ts";
import * as abci from "../../src/engines/cometbft/wire/index.ts";
import { genesisHashOf } from "../../src/engines/index.ts";
import type { SignedHeader } from "../../src/light/index.ts";
import { COMET_LIMITS, ENGINE_LIMITS } from "../../src/limits.ts";
import { type DecodedTx, type Runtime, createRuntime, defaultGenesis, genesisToJson } from "../../src/runtime/index.ts";
import { changeValidators } from "../../src/runtime/validators/change.ts";
import { memoryStorage } from "../../src/state/index.ts";
import { testKey } from "../../src/testing.ts";
import { type Call, signedTransaction, transactionBody } from "../../src/types/index.ts";
import { AbciGrammar } from "../support/abci-grammar.ts";

const CHAIN_ID = "app-chain";
const SECOND = 1_700_000_000;
const VALIDATORS = ["v1", "v2"].map((name, index) => ({ publicKey: testKey(name).account, power: 10 + index }));
const { ACCEPT, REJECT } = abci.ResponseProcessProposal_ProposalStatus;
const runtime = createRuntime();
const genesis = defaultGenesis({
  chainId: CHAIN_ID,
  foundation: testKey("foundation").account,
  validatorsPool: testKey("pool").account,
  accounts: ["alice", "bob"].map((name) => ({ id: testKey(name).account, freeUnits: 10n ** 12n })),
  validators: VALIDATORS,
});
const genesisHash = genesisHashOf(genesisToJson(genesis), "cometbft");

interface TxOptions {
  readonly nonce: number;
  readonly calls?: readonly Call[];
  readonly expiresAtHeight?: number;
}

function tx(name: string, { nonce, calls, expiresAtHeight = 1_000 }: TxOptions): Uint8Array {
  const key = testKey(name);
  const gift: Call = { type: "accounts.transfer", to: testKey("sink").account, amountUnits: 1n };
  const body = { chainId: CHAIN_ID, signer: key.account, nonce, expiresAtHeight: expiresAtHeight as never, calls: calls ?? [gift] };
  return encode(signedTransaction, { body, signature: key.sign("tfgrid/tx/v1", encode(transactionBody, body)) });
}

/** The last byte of a transaction is the last of its signature. */
function badlySigned(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[copy.length - 40] = (copy[copy.length - 40] ?? 0) ^ 1;
  return copy;
}

type AnswerTo<R extends RequestValue> = Extract<ResponseValue, { case: R["case"] }>["value"] & object;

class Harness {
  readonly #runtime: Runtime;
  readonly storage = memoryStorage();
  readonly grammar: { current: AbciGrammar } = { current: new AbciGrammar() };
  readonly blocks = new BlockStore(this.storage, 1_000);
  readonly refused: { hash: Hex; code: string }[] = [];
  readonly headers: SignedHeader[] = [];
  known = new KnownTxs({ runtime });
  app: Application;

  constructor(ownRuntime: Runtime = runtime) {
    this.#runtime = ownRuntime;
    this.app = this.#open();
  }

  #open(): Application {
    const { storage, blocks, known } = this;
    const app = new Application({ storage, runtime: this.#runtime, blocks, known, chainId: CHAIN_ID, genesis, genesisHash, start: { height: 0, timeMs: 0 }, retainedBlocks: 1_000, logger: silentLogger });
    app.listen({
      onCommit: () => undefined,
      onRefused: (hash, { code }) => void this.refused.push({ hash, code }),
      takeHeaders: () => this.headers.splice(0),
    });
    return app;
  }

  /** As after `kill -9`: only what is stored is left. */
  crash(): void {
    this.known = new KnownTxs({ runtime });
    this.app = this.#open();
    this.grammar.current = new AbciGrammar();
  }

  async ask<R extends RequestValue>(request: R): Promise<AnswerTo<R>> {
    this.grammar.current.expect(request);
    const answer = (await this.app.begin(request))();
    if (answer.case !== request.case) throw new Error(`${request.case} was answered by ${answer.case}`);
    return answer.value as AnswerTo<R>;
  }

  info(abciVersion = "2.0.0") {
    return this.ask({ case: "info", value: create(abci.RequestInfoSchema, { abciVersion }) } as const);
  }

  initChain(overrides: { readonly chainId?: string; readonly state?: unknown; readonly initialHeight?: bigint } = {}) {
    const { chainId = CHAIN_ID, state = { genesisHash }, initialHeight = 1n } = overrides;
    return this.ask({ case: "initChain", value: create(abci.RequestInitChainSchema, { chainId, appStateBytes: utf8(JSON.stringify(state)), initialHeight }) } as const);
  }

  async begin(): Promise<void> {
    await this.info();
    await this.initChain();
  }

  async check(bytes: Uint8Array, type = abci.CheckTxType.NEW): Promise<string> {
    const { code, codespace } = await this.ask({ case: "checkTx", value: create(abci.RequestCheckTxSchema, { tx: bytes, type }) } as const);
    return code === 0 ? "ok" : codespace;
  }

  async prepare(txs: readonly Uint8Array[], maxTxBytes = 1_000_000): Promise<readonly Uint8Array[]> {
    const value = create(abci.RequestPrepareProposalSchema, { txs: [...txs], maxTxBytes: BigInt(maxTxBytes), height: this.#next(), time: this.#time() });
    return (await this.ask({ case: "prepareProposal", value } as const)).txs;
  }

  async judge(txs: readonly Uint8Array[]): Promise<abci.ResponseProcessProposal_ProposalStatus> {
    const value = create(abci.RequestProcessProposalSchema, { txs: [...txs], height: this.#next(), time: this.#time() });
    return (await this.ask({ case: "processProposal", value } as const)).status;
  }

  finalize(txs: readonly Uint8Array[], misbehavior: abci.Misbehavior[] = []) {
    const height = this.#next();
    const value = create(abci.RequestFinalizeBlockSchema, { txs: [...txs], height, time: this.#time(), hash: new Uint8Array(32).fill(Number(height)), misbehavior });
    return this.ask({ case: "finalizeBlock", value } as const);
  }

  commit() {
    return this.ask({ case: "commit", value: create(abci.RequestCommitSchema) } as const);
  }

  async block(...txs: readonly Uint8Array[]): Promise<abci.ResponseFinalizeBlock> {
    const answer = await this.finalize(txs);
    await this.commit();
    return answer;
  }

  get read() {
    return runtime.queries(this.app.state);
  }

  #next(): bigint {
    return BigInt(this.app.head.height + 1);
  }

  /** A block each second, and a fraction that is not a whole millisecond. */
  #time(): { seconds: bigint; nanos: number } {
    return { seconds: BigInt(SECOND) + this.#next(), nanos: 5_999_999 };
  }
}

let comet: Harness;
beforeEach(() => {
  comet = new Harness();
});
const hashOf = (bytes: Uint8Array): Hex => runtime.decodeTx(bytes, COMET_LIMITS.txBytes).hash;
const outcome = ({ code, data }: abci.ExecTxResult): string => (code === 0 ? "ok" : Buffer.from(data).toString());

describe("the beginning", () => {
  it("makes the first state, names its hash and the genesis' validators", async () => {
    expect(await comet.info()).toMatchObject({ lastBlockHeight: 0n, appVersion: 1n });
    const answer = await comet.initChain();
    expect(bytesToHex(answer.appHash)).toBe(comet.app.state.root);
    expect(answer.validators.map(({ pubKey, power }) => [bytesToHex(pubKey?.sum.value ?? new Uint8Array()), power]).sort()).toEqual(VALIDATORS.map(({ publicKey, power }) => [publicKey, BigInt(power)]).sort());
  });

  it("gives the same answer again after a crash before the first block", async () => {
    await comet.info();
    const first = await comet.initChain();
    comet.crash();
    expect((await comet.info()).lastBlockHeight).toBe(0n);
    expect(await comet.initChain()).toEqual(first);
  });

  it.each([
    ["another chain", { chainId: "other-chain" }],
    ["another genesis", { state: { genesisHash: "00".repeat(32) } }],
    ["no genesis of ours", { state: {} }],
    ["another first height", { initialHeight: 5n }],
  ])("refuses a home of %s", async (_, overrides) => {
    await comet.info();
    await expect(comet.initChain(overrides)).rejects.toThrow(expect.objectContaining({ code: "cometbft.bad_home" }));
  });

  it("refuses another ABCI than 2", async () => {
    await expect(comet.info("1.0.0")).rejects.toThrow(expect.objectContaining({ code: "cometbft.wrong_version" }));
    await expect(comet.info("")).rejects.toThrow(expect.objectContaining({ code: "cometbft.wrong_version" }));
    await expect(comet.info("2.1.7")).resolves.toBeDefined();
  });
});

describe("CheckTx", () => {
  beforeEach(() => comet.begin());

  it("counts in what waits already, forgets it at a commit, and is built up again by rechecks", async () => {
    const [first, second, third] = [0, 1, 2].map((nonce) => tx("alice", { nonce })) as [Uint8Array, Uint8Array, Uint8Array];
    expect(await comet.check(second)).toBe("tx.bad_nonce");
    expect(await comet.check(first)).toBe("ok");
    expect(await comet.check(second)).toBe("ok");
    expect(await comet.check(third)).toBe("ok");
    await comet.block(first);
    expect(await comet.check(second, abci.CheckTxType.RECHECK)).toBe("ok");
    expect(await comet.check(third, abci.CheckTxType.RECHECK)).toBe("ok");
    // The same number from another machine of the same user was faster.
    await comet.block(tx("alice", { nonce: 1, expiresAtHeight: 999 }));
    expect(await comet.check(second, abci.CheckTxType.RECHECK)).toBe("tx.bad_nonce");
    expect(comet.refused.at(-1)).toEqual({ hash: hashOf(second), code: "tx.bad_nonce" });
  });

  it("does not refuse what waits already when it is asked about again", async () => {
    expect(await comet.check(tx("alice", { nonce: 0 }))).toBe("ok");
    expect(await comet.check(tx("alice", { nonce: 0 }))).toBe("ok");
    expect(await comet.check(tx("alice", { nonce: 1 }))).toBe("ok");
    expect(comet.refused).toEqual([]);
  });

  it("names the ledger's own code", async () => {
    expect(await comet.check(badlySigned(tx("alice", { nonce: 0 })))).toBe("tx.bad_signature");
    expect(await comet.check(tx("nobody", { nonce: 0 }))).toBe("tx.insufficient_balance");
    expect(await comet.check(utf8("garbage"))).toMatch(/^codec\./);
    expect(await comet.check(new Uint8Array())).toMatch(/^codec\./);
    expect(comet.refused.map(({ code }) => code.split(".")[0])).toEqual(["tx", "tx", "codec", "codec"]);
  });

  it("lets one account wait with a bounded number", async () => {
    const { mempoolTxsPerAccount } = ENGINE_LIMITS;
    const admission = new Admission(runtime);
    const { body } = runtime.decodeTx(tx("alice", { nonce: 0 }), COMET_LIMITS.txBytes).tx;
    // Signatures are not what is asked about here.
    const decoded = (nonce: number): DecodedTx => ({ tx: { body: { ...body, nonce }, signature: "" as Hex }, hash: String(nonce) as Hex, signBytes: new Uint8Array(), sizeBytes: 200 });
    const context = { chainId: CHAIN_ID, height: 1, timeMs: SECOND * 1_000 };
    for (let nonce = 0; nonce < mempoolTxsPerAccount; nonce += 1) admission.admit(comet.app.state, context, decoded(nonce));
    expect(() => admission.admit(comet.app.state, context, decoded(mempoolTxsPerAccount))).toThrow(expect.objectContaining({ code: "mempool.account_full" }));
    admission.reset();
    admission.admit(comet.app.state, context, decoded(0));
  });
});

describe("a signature", () => {
  it("is checked once, from CheckTx to the block, and side by side only once too", async () => {
    await comet.begin();
    const bytes = tx("alice", { nonce: 0 });
    await Promise.all([comet.check(bytes), comet.judge([bytes])]);
    await comet.check(bytes, abci.CheckTxType.RECHECK);
    const [picked] = await comet.prepare([bytes]);
    await comet.judge([picked as Uint8Array]);
    await comet.block(bytes);
    expect(comet.known.checks).toBe(1);
    await comet.block(tx("bob", { nonce: 0 }));
    expect(comet.known.checks).toBe(2);
  });
});

describe("a proposal", () => {
  beforeEach(() => comet.begin());

  it("is made of what can be carried out: in order, without repeats, gaps, strangers and what is no transaction", async () => {
    const good = [tx("alice", { nonce: 0 }), tx("bob", { nonce: 0 }), tx("alice", { nonce: 1 })] as const;
    const bad = [tx("alice", { nonce: 7 }), tx("nobody", { nonce: 0 }), utf8("garbage"), badlySigned(tx("bob", { nonce: 1 })), tx("alice", { nonce: 1, expiresAtHeight: 0 })];
    const picked = await comet.prepare([good[0], bad[0] as Uint8Array, good[1], ...bad.slice(1), good[2]]);
    expect(picked).toEqual([...good]);
    expect(await comet.judge(picked)).toBe(ACCEPT);
  });

  it("keeps within what cometbft leaves room for", async () => {
    const txs = Array.from({ length: 20 }, (_, nonce) => tx("alice", { nonce }));
    const size = txs.slice(0, 5).reduce((sum, { length }) => sum + length, 0);
    expect(await comet.prepare(txs, size + 5 * 8)).toEqual(txs.slice(0, 5));
    expect(await comet.prepare(txs, size)).toHaveLength(4);
    expect(await comet.prepare(txs, 0)).toEqual([]);
  });

  it("is refused for what every honest validator sees alike, and for nothing else", async () => {
    const good = tx("alice", { nonce: 0 });
    expect(await comet.judge([])).toBe(ACCEPT);
    // Its number is wrong, but that depends on the order of carrying out: the block says so, the proposal stands.
    expect(await comet.judge([good, tx("alice", { nonce: 9 })])).toBe(ACCEPT);
    expect(await comet.judge([good, utf8("garbage")])).toBe(REJECT);
    expect(await comet.judge([badlySigned(good)])).toBe(REJECT);
    expect(await comet.judge(Array.from({ length: COMET_LIMITS.blockTxs + 1 }, () => good))).toBe(REJECT);
  });
});

describe("a block", () => {
  beforeEach(() => comet.begin());

  it("is a draft until it is committed, and then one write with all that belongs to it", async () => {
    const before = comet.app.state.root;
    const writes: number[] = [];
    const write = comet.storage.write.bind(comet.storage);
    comet.storage.write = (ops) => {
      writes.push(ops.length);
      write(ops);
    };
    const bytes = tx("alice", { nonce: 0 });
    const { appHash, txResults } = await comet.finalize([bytes]);
    expect([writes, comet.app.state.root, comet.app.head.height]).toEqual([[], before, 0]);
    await comet.commit();
    expect(writes).toHaveLength(1);
    expect(txResults.map(outcome)).toEqual(["ok"]);
    expect(comet.app.head).toMatchObject({ height: 1, timeMs: (SECOND + 1) * 1_000 + 5, appHash: bytesToHex(appHash), blockHash: "01".repeat(32) });
    expect(comet.blocks.tx(hashOf(bytes))).toMatchObject({ ok: true, height: 1, nonce: 0 });
    expect(comet.blocks.events(0, 10).map(({ height }) => height)).toEqual([1]);
    expect(comet.read.account(testKey("sink").account).freeUnits).toBe(1n);
  });

  it("that was not committed is forgotten by a crash, and comes to the same hash when it is given again", async () => {
    await comet.block(tx("alice", { nonce: 0 }));
    const lost = await comet.finalize([tx("bob", { nonce: 0 })]);
    comet.crash();
    expect(await comet.info()).toMatchObject({ lastBlockHeight: 1n, lastBlockAppHash: hexToBytes(comet.app.state.root) });
    expect((await comet.block(tx("bob", { nonce: 0 }))).appHash).toEqual(lost.appHash);
  });

  it("of a proposer that broke the rules has an error for what is no transaction, and changes nothing by it", async () => {
    const twin = new Harness();
    await twin.begin();
    const good = tx("alice", { nonce: 0 });
    const { txResults, appHash } = await comet.block(utf8("garbage"), good, good, badlySigned(tx("bob", { nonce: 0 })), tx("bob", { nonce: 3 }), new Uint8Array());
    expect(txResults.map(outcome)).toEqual(["tx.invalid", "ok", "tx.bad_nonce", "tx.invalid", "tx.bad_nonce", "tx.invalid"]);
    expect((await twin.block(good)).appHash).toEqual(appHash);
    // The repeat in the same block does not hide how the first ended.
    expect(comet.blocks.tx(hashOf(good))).toMatchObject({ ok: true });
    // Code and data are hashed into the next header; words are not, and may differ between releases.
    expect(txResults.every(({ gasUsed, gasWanted, events }) => gasUsed === 0n && gasWanted === 0n && events.length === 0)).toBe(true);
  });

  it("must follow on the one before", async () => {
    await comet.block();
    const ask = async (request: RequestValue): Promise<unknown> => (await comet.app.begin(request))();
    const wrong = expect.objectContaining({ code: "cometbft.wrong_block" });
    for (const height of [1n, 3n]) await expect(ask({ case: "finalizeBlock", value: create(abci.RequestFinalizeBlockSchema, { height }) })).rejects.toThrow(wrong);
    await expect(ask({ case: "commit", value: create(abci.RequestCommitSchema) })).rejects.toThrow(wrong);
  });

  it("never goes back in time, and carries what validators were caught at into the ledger", async () => {
    await comet.block();
    const validator = create(abci.ValidatorSchema, { address: new Uint8Array(20).fill(3), power: 10n });
    const offence = create(abci.MisbehaviorSchema, { type: abci.MisbehaviorType.DUPLICATE_VOTE, validator, height: 1n, time: { seconds: BigInt(SECOND), nanos: 0 }, totalVotingPower: 21n });
    await comet.finalize([], [offence, offence]);
    await comet.commit();
    expect(comet.read.misbehaviours()).toEqual([expect.objectContaining({ kind: "duplicate_vote", address: "03".repeat(20), power: 10, totalPower: 21, height: 1, recordedAtHeight: 2 })]);
    const value = create(abci.RequestFinalizeBlockSchema, { height: 3n, time: { seconds: 1n, nanos: 0 }, hash: new Uint8Array(32) });
    await comet.ask({ case: "finalizeBlock", value });
    await comet.commit();
    expect(comet.app.head.timeMs).toBe((SECOND + 2) * 1_000 + 5);
  });
});

describe("the set of validators", () => {
  const keyOf = (name: string): Hex => testKey(name).account as string as Hex;

  it("follows what the ledger wants: the difference to the block before, each key once, in one order", async () => {
    const wanted = [
      { publicKey: testKey("v1").account, power: 99 },
      { publicKey: testKey("v3").account, power: 5 },
    ];
    const beginBlock: Runtime["beginBlock"] = (state, block) => {
      if (block.height === 2) changeValidators(state, wanted, block.height);
      return runtime.beginBlock(state, block);
    };
    const chain = new Harness({ ...runtime, beginBlock });
    await chain.begin();
    const updates = async () => (await chain.block()).validatorUpdates.map(({ pubKey, power }) => [bytesToHex(pubKey?.sum.value ?? new Uint8Array()), power] as const);
    expect(await updates()).toEqual([]);
    const changed = [[keyOf("v1"), 99n], [keyOf("v2"), 0n], [keyOf("v3"), 5n]] as const;
    expect(await updates()).toEqual(changed.toSorted(([a], [b]) => (a < b ? -1 : 1)));
    expect(await updates()).toEqual([]);
    expect(chain.read.validatorSet()).toMatchObject({ version: 1, decidedAtHeight: 2 });
  });
});

describe("what is never enabled", () => {
  it("vote extensions: none is given, only an empty one is believed", async () => {
    await comet.begin();
    expect((await comet.ask({ case: "extendVote", value: create(abci.RequestExtendVoteSchema) } as const)).voteExtension).toHaveLength(0);
    const verify = async (voteExtension: Uint8Array) => (await comet.ask({ case: "verifyVoteExtension", value: create(abci.RequestVerifyVoteExtensionSchema, { voteExtension }) } as const)).status;
    expect(await verify(new Uint8Array())).toBe(abci.ResponseVerifyVoteExtension_VerifyStatus.ACCEPT);
    expect(await verify(utf8("x"))).toBe(abci.ResponseVerifyVoteExtension_VerifyStatus.REJECT);
  });
});

describe("Query", () => {
  it("answers values of the state with a proof, and refuses what it does not know", async () => {
    await comet.begin();
    await comet.block();
    const query = (path: string, key: string, more: { height?: bigint } = {}) =>
      comet.ask({ case: "query", value: create(abci.RequestQuerySchema, { path, data: utf8(key), prove: true, ...more }) } as const);
    const answer = await query("/state", "meta/validators");
    expect([answer.code, answer.height, answer.value.length > 0, answer.proofOps?.ops[0]?.type]).toEqual([0, 1n, true, "tfgrid:state:v1"]);
    for (const refused of [query("/store", "x"), query("/state", ""), query("/state", "x", { height: 9n })]) expect((await refused).code).toBe(1);
  });
});

describe("the order of calls", () => {
  it.each([
    ["a block before the beginning", ["finalizeBlock"]],
    ["two decisions at once", ["info", "initChain", "finalizeBlock", "finalizeBlock"]],
    ["a commit without a decision", ["info", "initChain", "commit"]],
    ["a proposal between decision and commit", ["info", "initChain", "finalizeBlock", "prepareProposal"]],
    ["a genesis in the middle", ["info", "initChain", "processProposal", "initChain"]],
  ] as const)("is told from %s", (_, kinds) => {
    const grammar = new AbciGrammar();
    const request = (kind: string): RequestValue => ({ case: kind, value: { height: 1n } }) as unknown as RequestValue;
    for (const kind of kinds.slice(0, -1)) grammar.expect(request(kind));
    expect(() => grammar.expect(request(kinds.at(-1) as string))).toThrow("may not come");
  });
});
