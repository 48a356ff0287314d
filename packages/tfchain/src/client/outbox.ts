/**
 * Reads that are asked for in the same moment travel as one JSON-RPC batch: a program that looks at ten rows sends one request. A
 * batch is answered as a whole, so what may take long (a submission) is never put into one.
 */
import { CLIENT_LIMITS } from "../limits.ts";

export interface RpcRequest {
  readonly jsonrpc: "2.0";
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

/** One HTTP exchange: the parsed answer. */
export type Post = (body: string, options: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number }) => Promise<unknown>;

interface Waiting {
  readonly request: RpcRequest;
  readonly signal: AbortSignal | undefined;
  readonly answer: PromiseWithResolvers<unknown>;
}

export interface Outbox {
  /** The answer's JSON-RPC object. @throws what `post` throws; the signal's reason when aborted */
  readonly send: (request: RpcRequest, signal: AbortSignal | undefined) => Promise<unknown>;
}

export function outbox(post: Post): Outbox {
  let waiting: Waiting[] = [];
  const flush = (): void => {
    const all = waiting;
    waiting = [];
    for (let at = 0; at < all.length; at += CLIENT_LIMITS.batchCalls) void exchange(post, all.slice(at, at + CLIENT_LIMITS.batchCalls));
  };
  return {
    send: async (request, signal) => {
      signal?.throwIfAborted();
      const entry: Waiting = { request, signal, answer: Promise.withResolvers() };
      if (waiting.push(entry) === 1) setTimeout(flush, 0);
      const abort = (): void => entry.answer.reject(signal?.reason);
      signal?.addEventListener("abort", abort, { once: true });
      try {
        return await entry.answer.promise;
      } finally {
        signal?.removeEventListener("abort", abort);
      }
    },
  };
}

async function exchange(post: Post, asked: readonly Waiting[]): Promise<void> {
  const open = asked.filter(({ signal }) => signal?.aborted !== true);
  const [first, ...others] = open;
  if (first === undefined) return;
  const body = others.length === 0 ? first.request : open.map(({ request }) => request);
  try {
    const answer = await post(JSON.stringify(body), { signal: whenAllGaveUp(open) });
    const answers = byId(answer);
    // An answer that is no batch speaks for all: the server refused the batch as such.
    for (const { request, answer: own } of open) own.resolve(answers === undefined ? answer : answers.get(request.id));
  } catch (error) {
    for (const { answer: own } of open) own.reject(error);
  }
}

function byId(answer: unknown): ReadonlyMap<unknown, unknown> | undefined {
  return Array.isArray(answer) ? new Map(answer.map((entry: unknown) => [(entry as { readonly id?: unknown } | null)?.id, entry])) : undefined;
}

/** The exchange is given up only when nobody waits for it any more. */
function whenAllGaveUp(open: readonly Waiting[]): AbortSignal | undefined {
  if (open.length === 1) return open[0]?.signal;
  if (open.some(({ signal }) => signal === undefined)) return undefined;
  const all = new AbortController();
  let left = open.length;
  for (const { signal, answer } of open) {
    const gone = (): void => {
      left -= 1;
      if (left === 0) all.abort(signal?.reason);
    };
    signal?.addEventListener("abort", gone, { once: true });
    const done = (): void => signal?.removeEventListener("abort", gone);
    void answer.promise.catch(() => undefined).finally(done);
  }
  return all.signal;
}
