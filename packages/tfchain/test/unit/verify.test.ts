/** Many signatures at once go to another thread: each answer must come back to the one that asked. */
import { type Hex, domainBytes, utf8 } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { packSigned, unpackSigned } from "../../src/engines/verify-batch.ts";
import { verifyTx } from "../../src/engines/verify.ts";
import { testKey } from "../../src/testing.ts";

const keys = Array.from({ length: 5 }, (_, index) => testKey(`signer ${index}`));
const cases = Array.from({ length: 60 }, (_, index) => {
  const key = keys[index % keys.length] as (typeof keys)[number];
  const message = utf8(`message ${index} ${"x".repeat(index * 7)}`);
  const good = key.sign("tfgrid/tx/v1", message);
  const valid = index % 3 !== 0;
  const signature = (valid ? good : good.replace(/^./, (digit) => (digit === "0" ? "1" : "0"))) as Hex;
  return { account: key.account, signBytes: domainBytes("tfgrid/tx/v1", message), signature, valid };
});

describe("signatures", () => {
  it("are answered one by one when there are few, and each by its own verdict when there are many", async () => {
    for (const { valid, ...one } of cases.slice(0, 4)) expect(await verifyTx(one)).toBe(valid);
    for (let round = 0; round < 2; round += 1) {
      const verdicts = await Promise.all(cases.map(({ valid: _valid, ...one }) => verifyTx(one)));
      expect(verdicts).toEqual(cases.map(({ valid }) => valid));
    }
  });

  it("survive packing, of whatever length they are", () => {
    const items = [0, 1, 300].map((length, index) => ({ key: new Uint8Array(32).fill(index), signature: new Uint8Array(64).fill(9), bytes: new Uint8Array(length).fill(7) }));
    expect(unpackSigned(packSigned(items))).toEqual(items);
  });
});
