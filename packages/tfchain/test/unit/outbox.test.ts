import { expect, it, vi } from "vitest";
import { type Post, type RpcRequest, outbox } from "../../src/client/outbox.ts";
import { CLIENT_LIMITS } from "../../src/limits.ts";

const request = (id: number): RpcRequest => ({ jsonrpc: "2.0", id, method: "head", params: {} });
const answerTo = ({ id }: RpcRequest): unknown => ({ jsonrpc: "2.0", id, result: id });

/** Answers batches in reverse, as a server may (JSON-RPC 2.0, section 6). */
const server = (): ReturnType<typeof vi.fn<Post>> =>
  vi.fn<Post>(async (body) => {
    const asked = JSON.parse(body) as RpcRequest | RpcRequest[];
    return Array.isArray(asked) ? asked.map(answerTo).toReversed() : answerTo(asked);
  });

it("sends what is asked in one moment together, and each gets its own answer", async () => {
  const post = server();
  const { send } = outbox(post);
  const answers = await Promise.all([1, 2, 3].map((id) => send(request(id), undefined)));
  expect(answers).toEqual([1, 2, 3].map((id) => answerTo(request(id))));
  expect(post).toHaveBeenCalledTimes(1);
  expect(await send(request(4), undefined)).toEqual(answerTo(request(4)));
  expect(JSON.parse(post.mock.calls[1]?.[0] ?? "")).toEqual(request(4));
});

it("keeps to the bound of a batch", async () => {
  const post = server();
  const { send } = outbox(post);
  await Promise.all(Array.from({ length: CLIENT_LIMITS.batchCalls + 1 }, (_, id) => send(request(id), undefined)));
  expect(post).toHaveBeenCalledTimes(2);
});

it("fails all when the exchange fails, and lets an answer for the whole batch speak for all", async () => {
  const broken = outbox(async () => Promise.reject(new Error("away")));
  expect(await Promise.allSettled([broken.send(request(1), undefined), broken.send(request(2), undefined)])).toEqual([
    { status: "rejected", reason: new Error("away") },
    { status: "rejected", reason: new Error("away") },
  ]);
  const refusal = { jsonrpc: "2.0", id: null, error: { message: "no" } };
  const refusing = outbox(async () => refusal);
  expect(await Promise.all([refusing.send(request(1), undefined), refusing.send(request(2), undefined)])).toEqual([refusal, refusal]);
});

it("gives up one call without the others, and the exchange when nobody waits any more", async () => {
  let seen: AbortSignal | undefined;
  const { send } = outbox((_body, { signal }) => {
    seen = signal;
    return new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error)));
  });
  const [a, b] = [new AbortController(), new AbortController()];
  const [first, second] = [send(request(1), a.signal), send(request(2), b.signal)].map((call) => call.catch((error: unknown) => (error as Error).message));
  await expect.poll(() => seen).toBeDefined();
  a.abort(new Error("a gave up"));
  expect(await first).toBe("a gave up");
  expect(seen?.aborted).toBe(false);
  b.abort(new Error("b gave up"));
  expect(await second).toBe("b gave up");
  await expect.poll(() => seen?.aborted).toBe(true);
  await expect(send(request(3), AbortSignal.abort(new Error("before")))).rejects.toThrow("before");
});
