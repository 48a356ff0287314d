import { domainBytes, encode, verify } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { createRuntime } from "../../src/runtime/index.ts";
import { RUNTIME_LIMITS } from "../../src/runtime/limits.ts";
import { type Call, transactionBody } from "../../src/types/calls.ts";
import { CHAIN, Chain, PROFILE, TFT, accountOf, keyOf, nodeCall, twinCall, world } from "./runtime-harness.ts";

const transfer = (to: string, amountUnits: bigint): Call => ({ type: "accounts.transfer", to: accountOf(to), amountUnits });

describe("decoding", () => {
  it("finds the signed bytes inside the transaction", () => {
    const chain = new Chain({ rich: ["user"] });
    const bytes = chain.signed(keyOf("user"), [transfer("other", 5n)]);
    const { tx, signBytes, sizeBytes, hash } = createRuntime().decodeTx(bytes, 10_000);
    expect(signBytes).toEqual(domainBytes("tfgrid/tx/v1", encode(transactionBody, tx.body)));
    expect([sizeBytes, hash.length]).toEqual([bytes.length, 64]);
    const message = encode(transactionBody, tx.body);
    expect(verify({ account: tx.body.signer, domain: "tfgrid/tx/v1", message, signature: tx.signature })).toBe(true);
  });

  it("refuses what is too large, malformed or not canonical", () => {
    const chain = new Chain({ rich: ["user"] });
    const bytes = chain.signed(keyOf("user"), [transfer("other", 5n)]);
    const runtime = createRuntime();
    const codeOf = (run: () => unknown): string => {
      try {
        run();
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      }
      return "accepted";
    };
    expect(codeOf(() => runtime.decodeTx(bytes, bytes.length - 1))).toBe("codec.too_large");
    expect(codeOf(() => runtime.decodeTx(bytes.subarray(0, bytes.length - 1), 10_000))).toBe("codec.not_canonical");
    expect(codeOf(() => runtime.decodeTx(new Uint8Array([0xa0]), 10_000))).toBe("codec.invalid_value");
    expect(codeOf(() => runtime.decodeTx(new Uint8Array([...bytes, 0]), 10_000))).toBe("codec.not_canonical");
  });
});

describe("fees and numbers", () => {
  it("take 0.001 TFT and one unit a byte, for the validators' pool", () => {
    const chain = new Chain({ rich: ["user"] });
    const bytes = chain.unsigned("user", [transfer("other", 5n * TFT)]);
    const [outcome] = chain.block(1, [bytes]);
    expect(outcome).toMatchObject({ ok: true, feeUnits: 10_000n + BigInt(bytes.length) });
    expect(chain.free("pool")).toBe(outcome!.feeUnits);
    expect(chain.free("other")).toBe(5n * TFT);
    expect(chain.free("user")).toBe(995n * TFT - outcome!.feeUnits);
  });

  it("a refused transaction pays and uses its number, and changes nothing else", () => {
    const chain = new Chain({ rich: ["user"] });
    const outcome = chain.refuse("accounts.insufficient_balance", "user", transfer("other", 1n), transfer("other", 2_000n * TFT));
    expect(outcome.feeUnits).toBeGreaterThan(0n);
    expect(outcome.events).toEqual([]);
    expect(chain.free("other")).toBe(0n);
    expect(chain.free("user")).toBe(1_000n * TFT - outcome.feeUnits);
    expect(chain.read.account(accountOf("user")).nonce).toBe(1);
  });

  it("replayed, misnumbered, expired, foreign and penniless ones cost nothing and change nothing", () => {
    const chain = new Chain({ rich: ["user"] });
    const good = chain.unsigned("user", [transfer("other", 1n)]);
    expect(chain.block(1, [good, good]).map(({ ok, error }) => error?.code ?? ok)).toEqual([true, "tx.bad_nonce"]);
    const calls = [transfer("other", 1n)];
    const bad = {
      "tx.bad_nonce": chain.unsigned("user", calls, { nonce: 7 }),
      "tx.expired": chain.unsigned("user", calls, { expiresAtHeight: chain.height }),
      "tx.wrong_chain": chain.unsigned("user", calls, { chainId: "another" }),
      "tx.insufficient_balance": chain.unsigned("nobody", calls),
    };
    const state = (): string[] => chain.state.dump().split("\n").filter((row) => !row.startsWith("meta/pulse="));
    const before = state();
    const outcomes = chain.block(1, Object.values(bad));
    expect(outcomes.map(({ error }) => error?.code)).toEqual(Object.keys(bad));
    expect(outcomes.every(({ feeUnits }) => feeUnits === 0n)).toBe(true);
    expect(state()).toEqual(before);
  });

  it("expire by time as well: the last block that may hold one is that of this very millisecond", () => {
    const chain = world();
    const pay: Call = { type: "accounts.transfer", to: accountOf("other"), amountUnits: 1n };
    const until = chain.timeMs + 5_000;
    const [late] = chain.block(5_001, [chain.unsigned("user", [pay], { expiresAtMs: until })]);
    expect(late).toMatchObject({ ok: false, feeUnits: 0n, error: { code: "tx.expired", details: { expiresAtMs: until } } });
    const [timely] = chain.block(1_000, [chain.unsigned("user", [pay], { expiresAtMs: chain.timeMs + 1_000 })]);
    expect(timely?.ok).toBe(true);
  });

  it("checkTx judges as deliverTx does, and takes pending numbers into account", () => {
    const chain = new Chain({ rich: ["user"] });
    const { runtime, state } = chain;
    const third = runtime.decodeTx(chain.unsigned("user", [transfer("other", 1n)], { nonce: 2 }), 10_000);
    expect(() => runtime.checkTx(state, chain.context(), third)).toThrow(/is at number 0/);
    expect(() => runtime.checkTx(state, chain.context(), third, 2)).not.toThrow();
  });

  it("bounds the calls of a batch", () => {
    const chain = new Chain({ rich: ["user"], params: { maxCallsPerTx: 2 } });
    chain.refuse("tx.too_many_calls", "user", transfer("a", 1n), transfer("a", 1n), transfer("a", 1n));
  });
});

describe("what is free", () => {
  const heartbeat = (chain: Chain, node = "node1"): Call => ({ type: "nodes.heartbeat", nodeId: chain.nodeOf(node), uptimeSec: 1 });

  it("a node without money reports within its rate, then must wait", () => {
    const chain = world({ params: { reportsPerMinute: 5 }, startMs: 1_800_000_000_000 });
    // One heartbeat was sent when it joined.
    const beat = heartbeat(chain);
    expect(chain.do("node1", beat, beat, beat, beat).feeUnits).toBe(0n);
    chain.refuse("tx.rate_limited", "node1", beat);
    chain.block(60_000);
    chain.do("node1", beat);
    // Money buys what is beyond the rate.
    chain.do("node1", beat, beat, beat, beat);
    chain.do("user", transfer("node1", TFT));
    expect(chain.do("node1", beat).feeUnits).toBeGreaterThan(0n);
  });

  it("refused reports use up the rate, too", () => {
    const chain = world({ params: { reportsPerMinute: 3 } });
    const foreign = heartbeat(chain, "node2");
    chain.refuse("nodes.not_this_node", "node1", foreign, foreign);
    chain.refuse("tx.rate_limited", "node1", heartbeat(chain));
  });

  it("one paid call makes the whole batch paid", () => {
    const chain = world();
    chain.refuse("tx.insufficient_balance", "node1", heartbeat(chain), nodeCall(chain));
  });

  it("a machine without money joins by its farmer's word, once", () => {
    const chain = world();
    const register: Call = { type: "nodes.register", joinToken: chain.token("farmer"), ...PROFILE };
    chain.refuse("tx.insufficient_balance", "node3", register);
    const { events, feeUnits } = chain.do("node3", twinCall("node3"), register);
    expect([feeUnits, events.map(({ type }) => type)]).toEqual([0n, ["twins.created", "nodes.registered"]]);
    chain.refuse("tx.insufficient_balance", "node3", register);
    chain.do("user", transfer("node3", TFT));
    chain.refuse("nodes.already_registered", "node3", register);
  });

  it("a false, old or foreign word opens nothing", () => {
    const chain = world();
    const join = (joinToken: ReturnType<Chain["token"]>): Call[] => [twinCall("node3"), { type: "nodes.register", joinToken, ...PROFILE }];
    const good = chain.token("farmer");
    chain.refuse("nodes.join_token_invalid", "node3", ...join(chain.token("user")));
    chain.refuse("nodes.join_token_invalid", "node3", ...join({ ...good, chainId: "another" }));
    // Well signed, but for a farm of the same number on another chain.
    chain.refuse("nodes.join_token_invalid", "node3", ...join(chain.token("farmer", "farm", good.expiresAtMs, "another")));
    chain.refuse("nodes.join_token_invalid", "node3", ...join({ ...good, expiresAtMs: good.expiresAtMs + 1 }));
    chain.refuse("nodes.join_token_expired", "node3", ...join(chain.token("farmer", "farm", chain.timeMs)));
    chain.refuse("farms.not_found", "node3", ...join({ ...good, farmId: 9 as typeof good.farmId }));
    expect(chain.read.account(accountOf("node3")).nonce).toBe(0);
  });

  it("a leaked token makes a bounded number of nodes an hour", () => {
    const chain = world();
    const joinToken = chain.token("farmer", "farm", chain.timeMs + 10 * 3_600_000);
    const join = (name: string): Uint8Array => chain.unsigned(name, [twinCall(name), { type: "nodes.register", joinToken, ...PROFILE }]);
    const names = Array.from({ length: RUNTIME_LIMITS.freeJoinsPerFarmPerHour }, (_, index) => `bot${index}`);
    const outcomes = chain.block(1, names.map(join));
    // Two of the hour were used by the nodes of the farm.
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(names.length - 2);
    expect(outcomes.at(-1)?.error?.code).toBe("tx.rate_limited");
    chain.block(3_600_000);
    expect(chain.block(1, [join("bot119")])[0]?.ok).toBe(true);
  });
});

describe("genesis", () => {
  it("refuses another chain's, doubled accounts and nonsense", () => {
    expect(() => new Chain({ chainId: "another" })).toThrow(/is for chain another/);
    const id = accountOf("user");
    const accounts = [
      { id, freeUnits: 1n },
      { id, freeUnits: 1n },
    ];
    expect(() => new Chain({ accounts })).toThrow(/twice/);
    const chain = new Chain();
    expect(() => chain.runtime.initGenesis(chain.state, { chainId: CHAIN }, chain.context())).toThrow(/not valid/);
  });
});
