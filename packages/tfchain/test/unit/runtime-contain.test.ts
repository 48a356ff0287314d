/** A bug of the runtime is the failure of the transaction that meets it; a failure of the machine is nobody's outcome. */
import { describe, expect, it } from "vitest";
import { type Runtime, createRuntime } from "../../src/runtime/index.ts";
import type { StateWriter } from "../../src/runtime/api.ts";
import type { Verify } from "../../src/runtime/context.ts";
import type { TxResult } from "../../src/engines/engine.ts";
import { execute } from "../../src/engines/execute.ts";
import { memoryStorage, openState } from "../../src/state/index.ts";
import { Chain, PROFILE, keyOf, twinCall, world } from "./runtime-harness.ts";

/** Join tokens are checked by what the runtime is given: the one place where a test can put a bug. */
const broken = (error: Error): Runtime =>
  createRuntime({
    verify: (() => {
      throw error;
    }) satisfies Verify,
  });

/** A node's registration by somebody who pays for it. */
function registration(chain: Chain): Uint8Array {
  chain.makeTwin("other2");
  return chain.unsigned("other2", [{ type: "nodes.register", joinToken: chain.token("farmer"), ...PROFILE }, { type: "accounts.transfer", to: keyOf("user").account, amountUnits: 1n }]);
}

function deliver(runtime: Runtime, chain: Chain, bytes: Uint8Array, state: StateWriter = chain.state) {
  return runtime.deliverTx(state, chain.context(), runtime.decodeTx(bytes, 1 << 20));
}

const failingOn = (state: StateWriter, prefix: string): StateWriter => ({
  get: (key) => {
    if (key.startsWith(prefix)) throw new TypeError("the disk is gone");
    return state.get(key);
  },
  range: (options) => state.range(options),
  set: (key, value) => state.set(key, value),
  delete: (key) => state.delete(key),
});

describe("a bug that a transaction meets", () => {
  for (const error of [new TypeError("nothing is undefined"), new RangeError("Division by zero"), new Error("no such thing")]) {
    it(`is its failure: ${error.name}, ${error.message}`, () => {
      const chain = world({ rich: ["farmer", "user", "agent", "other", "other2"] });
      const bytes = registration(chain);
      const { freeUnits, nonce } = chain.read.account(keyOf("other2").account);
      const outcome = deliver(broken(error), chain, bytes);
      expect(outcome).toMatchObject({ ok: false, events: [], error: { code: "tx.failed", details: { reason: error.message } } });
      expect(outcome.feeUnits).toBeGreaterThan(0n);
      expect(chain.read.account(keyOf("other2").account)).toMatchObject({ freeUnits: freeUnits - outcome.feeUnits, nonce: nonce + 1 });
      expect(chain.runtime.invariants(chain.state)).toEqual([]);
    });
  }

  it("is told before it is in a block, when it shows then", () => {
    const chain = world();
    const runtime = broken(new TypeError("nothing is undefined"));
    // Free when the token is good, so the token is looked at first.
    const bytes = chain.unsigned("poor", [twinCall("poor"), { type: "nodes.register", joinToken: chain.token("farmer"), ...PROFILE }]);
    expect(() => runtime.checkTx(chain.state, chain.context(), runtime.decodeTx(bytes, 1 << 20))).toThrow(expect.objectContaining({ code: "tx.failed" }));
  });

  it("stands in solo's block beside the others, with a state hash", () => {
    const chain = world();
    const storage = memoryStorage();
    const state = openState(storage);
    const draft = state.draft();
    for (const [key, value] of chain.state.map) draft.set(key, value);
    const sealed = draft.seal(chain.height);
    storage.write(sealed.ops);
    sealed.adopt();
    const runtime = broken(new TypeError("nothing is undefined"));
    const calls = [chain.unsigned("agent", [{ type: "nodes.register", joinToken: chain.token("farmer"), ...PROFILE }]), chain.unsigned("user", [{ type: "accounts.transfer", to: keyOf("other").account, amountUnits: 1n }])];
    const txs = calls.map((bytes) => ({ bytes, decoded: runtime.decodeTx(bytes, 1 << 20), result: Promise.withResolvers<TxResult>() }));
    const { outcomes } = execute({ runtime, state, context: { ...chain.context(), height: chain.height + 1 }, txs });
    expect(outcomes.map(({ ok, error }) => error?.code ?? ok)).toEqual(["tx.failed", true]);
  });
});

describe("a failure of the machine", () => {
  it("goes up, in a block and in the mempool, whatever its type", () => {
    const chain = world();
    const bytes = chain.unsigned("user", [{ type: "accounts.transfer", to: keyOf("other").account, amountUnits: 1n }]);
    expect(() => deliver(chain.runtime, chain, bytes, failingOn(chain.state, "account/"))).toThrow("the disk is gone");
    expect(() => chain.runtime.checkTx(failingOn(chain.state, "account/"), chain.context(), chain.runtime.decodeTx(bytes, 1 << 20))).toThrow("the disk is gone");
  });

  it("is a stack that is too small, too", () => {
    const chain = world({ rich: ["farmer", "user", "agent", "other", "other2"] });
    expect(() => deliver(broken(new RangeError("Maximum call stack size exceeded")), chain, registration(chain))).toThrow("call stack");
  });
});
