/** A batch of calls: answered in order, none held up by another, and bounded in what it makes the server hold. */
import { silentLogger } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { RPC_LIMITS } from "../../src/limits.ts";
import { type Handler, answerBatch } from "../../src/rpc/dispatch.ts";

interface Reply {
  readonly id: number;
  readonly result?: string;
  readonly error?: { readonly data: { readonly code: string } };
}

const call = (id: number, method: string) => ({ jsonrpc: "2.0", id, method });
const answering = (handlers: Readonly<Record<string, Handler>>) => ({ handlers: new Map(Object.entries(handlers)), logger: silentLogger });
const parsed = (text: string | undefined): readonly Reply[] => JSON.parse(text ?? "[]") as Reply[];

describe("a batch", () => {
  it("is answered in its order; what waits does not hold up what comes after it", async () => {
    const block = Promise.withResolvers<string>();
    const batch = answerBatch([call(1, "wait"), call(2, "end")], answering({ wait: () => block.promise, end: () => (block.resolve("done"), "ended") }));
    expect(parsed(await batch).map(({ id, result }) => [id, result])).toEqual([[1, "done"], [2, "ended"]]);
  });

  it("stops at a bound of what its answers hold; the calls after that run not at all and say so by their ids", async () => {
    const page = "x".repeat(RPC_LIMITS.batchAnswerCharacters / 4);
    let runs = 0;
    const large: Handler = async () => {
      runs += 1;
      return Promise.resolve(page);
    };
    const replies = parsed(await answerBatch(Array.from({ length: 9 }, (_, id) => call(id, "large")), answering({ large })));
    expect(replies.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(replies.map(({ result, error }) => result?.length ?? error?.data.code)).toEqual([...Array(4).fill(page.length), ...Array(5).fill("rpc.too_many_requests")]);
    expect(runs).toBe(4);
  });

  it("has a bound of calls, and at least one", async () => {
    const calls = Array.from({ length: RPC_LIMITS.batchCalls + 1 }, (_, id) => call(id, "x"));
    await expect(answerBatch(calls, answering({}))).rejects.toMatchObject({ code: "rpc.too_many_requests" });
    await expect(answerBatch([], answering({}))).rejects.toMatchObject({ code: "rpc.invalid_request" });
    expect(await answerBatch([{ jsonrpc: "2.0", method: "x" }], answering({ x: () => 1 }))).toBeUndefined();
  });
});
