import { type Hex, encode } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { MAIN_POLICY } from "../../src/runtime/policy/presets.ts";
import { signedTransaction, transactionBody } from "../../src/types/calls.ts";
import { type Chain, TFT, accountOf, nodeCall, world } from "./runtime-harness.ts";

/** Blocks of more than 1 KiB of paid transactions are above the target; a full one doubles the fee in 10 s. */
const busy = (): Chain => world({ policy: { fee: { ...MAIN_POLICY.fee, targetBlockBytes: 1_024, doublingMs: 10_000, maxMultiplierPermille: 4_000 } } });
const multiplier = (chain: Chain): number => chain.read.fee().multiplierPermille;
/** One block a second, each with about twelve transfers of 200 bytes, or none. */
function seconds(chain: Chain, count: number, full: boolean): void {
  for (let second = 0; second < count; second += 1) {
    let nonce = chain.read.account(accountOf("user")).nonce;
    const transfer = { type: "accounts.transfer", to: accountOf("other"), amountUnits: 1n } as const;
    const txs = full ? Array.from({ length: 12 }, () => chain.unsigned("user", [transfer], { nonce: nonce++ })) : [];
    for (const outcome of chain.next(1_000, txs)) expect(outcome.error).toBeUndefined();
  }
}

describe("the fee", () => {
  it("is 0.001 TFT and a unit a byte while there is room", () => {
    const chain = world();
    const bytes = chain.unsigned("user", [nodeCall(chain)]);
    const [outcome] = chain.block(1, [bytes]);
    expect(outcome?.feeUnits).toBe(10_000n + BigInt(bytes.length));
  });

  it("doubles in ten seconds of full blocks, stops at its cap, and falls back to the floor", () => {
    const chain = busy();
    expect(multiplier(chain)).toBe(1_000);
    // The first block is judged at the beginning of the second.
    seconds(chain, 11, true);
    // Ten steps of 6.93 %: 1.0693^10 = 1.954.
    expect(multiplier(chain)).toBe(1_955);
    const bytes = chain.unsigned("other", [nodeCall(chain)]);
    const [outcome] = chain.next(0, [bytes]);
    expect(outcome?.feeUnits).toBeGreaterThan(((10_000n + BigInt(bytes.length)) * 195n) / 100n);
    seconds(chain, 20, true);
    expect(multiplier(chain)).toBe(4_000);
    seconds(chain, 30, false);
    expect(multiplier(chain)).toBe(1_000);
  });

  it("is not paid by who named a lower limit: nothing is taken, not even the number", () => {
    const chain = busy();
    const body = {
      chainId: "test-chain",
      signer: accountOf("user"),
      nonce: chain.read.account(accountOf("user")).nonce,
      expiresAtHeight: transactionBody.fields.expiresAtHeight.fromCbor(chain.height + 9),
      calls: [{ type: "accounts.burn", amountUnits: 1n } as const],
      maxFeeUnits: 10_000n,
    };
    const before = chain.read.account(accountOf("user"));
    const [outcome] = chain.next(1, [encode(signedTransaction, { body, signature: "00".repeat(64) as Hex })]);
    expect(outcome?.error?.code).toBe("tx.fee_above_max");
    expect(chain.read.account(accountOf("user"))).toEqual(before);
  });

  it("does not rise by the free reports of nodes", () => {
    const chain = busy();
    chain.do("user", { type: "accounts.transfer", to: accountOf("other"), amountUnits: TFT });
    for (let second = 0; second < 5; second += 1) {
      let nonce = chain.read.account(accountOf("node1")).nonce;
      const beat = { type: "nodes.heartbeat", nodeId: chain.nodeOf("node1"), uptimeSec: 1 } as const;
      chain.next(1_000, Array.from({ length: 20 }, () => chain.unsigned("node1", [beat], { nonce: nonce++ })));
    }
    expect(multiplier(chain)).toBe(1_000);
  });
});
