/** The serving side of a channel: who asks, may it, which handler, and the answer. Knows nothing of libp2p. */
import { type AccountId, type Clock, type GridError, isGridError, type Logger } from "@tfgrid/primitives";
import type { Channel } from "./channel.ts";
import { messagingErrors } from "./errors.ts";
import { decodeBody, decodeFrame, encodeBody, encodeFrame, errorFrame, type Frame } from "./frames.ts";
import { MESSAGING_LIMITS as L } from "./limits.ts";
import { admission } from "./rate.ts";
import type { IncomingRequest, RequestHandler, RequestMethod, StreamHandler, StreamMethod, TwinResolver } from "./types.ts";

type Open = Extract<Frame, { type: "open" }>;
type Caller = Pick<IncomingRequest<unknown>, "from" | "account">;
/** A handler with its schemas closed over: bytes in, bytes out. */
type Served =
  | { readonly kind: "request"; readonly run: (caller: Caller, body: Uint8Array, signal: AbortSignal) => Promise<Uint8Array> }
  | { readonly kind: "stream"; readonly run: (caller: Caller, body: Uint8Array, signal: AbortSignal) => AsyncIterable<Uint8Array> };

export interface Dispatcher {
  readonly handle: <Q, A>(method: RequestMethod<Q, A>, handler: RequestHandler<Q, A>) => () => void;
  readonly handleStream: <Q, A>(method: StreamMethod<Q, A>, handler: StreamHandler<Q, A>) => () => void;
  /** Serves one channel until it is done; never throws. `account` is the key that the transport has proven. */
  serve(channel: Channel, account: AccountId | undefined): Promise<void>;
}

export function dispatcher(options: { readonly resolve: TwinResolver; readonly logger: Logger; readonly clock: Clock }): Dispatcher {
  const served = new Map<string, Served>();
  const gate = admission(options.clock);
  const register = (name: string, entry: Served): (() => void) => {
    if (served.has(name)) throw new Error(`method ${name} is served already`);
    served.set(name, entry);
    return () => {
      if (served.get(name) === entry) served.delete(name);
    };
  };
  return {
    handle: (method, handler) =>
      register(method.name, {
        kind: "request",
        run: async (caller, body, signal) =>
          encodeBody(method.answer, await handler({ ...caller, signal, body: decodeBody(method.request, body) })),
      }),
    handleStream: (method, handler) =>
      register(method.name, {
        kind: "stream",
        run: async function* run(caller, body, signal) {
          for await (const item of handler({ ...caller, signal, body: decodeBody(method.request, body) })) yield encodeBody(method.item, item);
        },
      }),
    serve: async (channel, account) => {
      let leave: (() => void) | undefined;
      try {
        if (account === undefined) throw messagingErrors.fail("messaging.forbidden");
        leave = gate.enter(account);
        const open = await readOpen(channel, options.clock);
        const caller = await callerOf(account, options.resolve);
        await answer({ channel, open, caller, entry: served.get(open.method), clock: options.clock });
        await channel.close();
      } catch (error) {
        await refuse({ channel, error, account, logger: options.logger });
      } finally {
        leave?.();
      }
    },
  };
}

async function callerOf(account: AccountId, resolve: TwinResolver): Promise<Caller> {
  const twin = await resolve.byAccount(account);
  // The resolver may be a cache or a server: the key of the connection decides, not its answer alone.
  if (twin === undefined || twin.account !== account) throw messagingErrors.fail("messaging.forbidden", { details: { account } });
  return { from: twin.id, account };
}

async function readOpen(channel: Channel, clock: Clock): Promise<Open> {
  const bytes = await within(channel.read(), { clock, delayMs: L.openTimeoutMs });
  if (bytes === undefined) throw messagingErrors.fail("messaging.bad_message", { message: "The channel ended before a request." });
  const frame = decodeFrame(bytes);
  if (frame.type !== "open") throw messagingErrors.fail("messaging.bad_message", { message: `A request begins with "open", not "${frame.type}".` });
  return frame;
}

/** Rejects with `messaging.timeout` when the promise takes longer. */
export async function within<T>(promise: Promise<T>, options: { readonly clock: Clock; readonly delayMs: number }): Promise<T> {
  const timer = new AbortController();
  try {
    const late = options.clock.sleep(options.delayMs, timer.signal).then(() => {
      throw messagingErrors.fail("messaging.timeout");
    });
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

interface Answer {
  readonly channel: Channel;
  readonly open: Open;
  readonly caller: Caller;
  readonly entry: Served | undefined;
  readonly clock: Clock;
}

async function answer(options: Answer): Promise<void> {
  const { channel, open, caller, entry } = options;
  if (entry === undefined) throw messagingErrors.fail("messaging.unknown_method", { details: { method: open.method } });
  if (entry.kind !== open.kind) throw messagingErrors.fail("messaging.wrong_kind", { details: { method: open.method } });
  if (entry.kind === "request") {
    const body = await entry.run(caller, open.body, channel.gone);
    await channel.write(encodeFrame({ type: "item", body }));
    return;
  }
  await answerStream(entry.run(caller, open.body, channel.gone), options);
}

async function answerStream(items: AsyncIterable<Uint8Array>, options: Answer): Promise<void> {
  const { channel, clock } = options;
  const iterator = items[Symbol.asyncIterator]();
  const stopPulse = pulse(channel, clock);
  const gone = whenGone(channel.gone);
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), gone.promise]);
      if (next === "gone") return;
      if (next.done === true) break;
      await channel.write(encodeFrame({ type: "item", body: next.value }));
    }
    await channel.write(encodeFrame({ type: "end" }));
  } finally {
    gone.stop();
    stopPulse();
    // Not awaited: a generator that waits for its source ends when it sees the aborted signal, however late.
    iterator.return?.()?.catch(() => undefined);
  }
}

function whenGone(signal: AbortSignal): { readonly promise: Promise<"gone">; stop(): void } {
  const { promise, resolve } = Promise.withResolvers<"gone">();
  const onAbort = (): void => resolve("gone");
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  return { promise, stop: () => signal.removeEventListener("abort", onAbort) };
}

function pulse(channel: Channel, clock: Clock): () => void {
  const stop = new AbortController();
  const beat = async (): Promise<void> => {
    while (!stop.signal.aborted && !channel.gone.aborted) {
      await clock.sleep(L.pulseMs, stop.signal);
      await channel.write(encodeFrame({ type: "pulse" }));
    }
  };
  // Ends by the aborted sleep, or with the channel, which the answering loop sees by itself.
  beat().catch(() => undefined);
  return () => stop.abort();
}

interface Refusal {
  readonly channel: Channel;
  readonly error: unknown;
  readonly account: AccountId | undefined;
  readonly logger: Logger;
}

async function refuse(options: Refusal): Promise<void> {
  const { channel, error, account, logger } = options;
  if (channel.gone.aborted) return;
  const wire = toGridError(error, logger);
  logger.debug("request refused", { account, code: wire.code });
  try {
    await channel.write(encodeFrame(errorFrame(wire)));
    await channel.close();
  } catch (cause) {
    channel.abort(wire);
    logger.debug("a refusal did not reach the caller", { account, code: wire.code, cause });
  }
}

function toGridError(error: unknown, logger: Logger): GridError {
  if (isGridError(error)) return error;
  logger.error("a message handler failed", { error });
  return messagingErrors.fail("messaging.handler_failed", { cause: error });
}
