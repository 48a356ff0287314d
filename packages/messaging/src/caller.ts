/** The asking side of a channel. Knows nothing of libp2p. */
import { type Clock, isGridError } from "@tfgrid/primitives";
import type { Channel } from "./channel.ts";
import { within } from "./dispatcher.ts";
import { messagingErrors } from "./errors.ts";
import { decodeBody, decodeFrame, encodeBody, encodeFrame, errorOf, type Frame } from "./frames.ts";
import { MESSAGING_LIMITS as L } from "./limits.ts";
import type { RequestOptions, StreamRequestOptions } from "./types.ts";

/** Opens a channel to a twin, whatever that takes. @throws GridError messaging.* */
export type OpenChannel = (signal: AbortSignal) => Promise<Channel>;

interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

export async function askOnce<Q, A>(options: RequestOptions<Q, A>, connect: OpenChannel): Promise<A> {
  const { method } = options;
  const first = encodeFrame({ type: "open", kind: "request", method: method.name, body: encodeBody(method.request, options.body) });
  using limit = deadline(options);
  const channel = await reach(connect, limit.signal);
  const giveUp = (): void => channel.abort(reasonOf(limit.signal));
  limit.signal.addEventListener("abort", giveUp, { once: true });
  try {
    const frame = await exchange(channel, first, limit.signal);
    const answer = decodeBody(method.answer, frame.body);
    await channel.close();
    return answer;
  } catch (error) {
    channel.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    limit.signal.removeEventListener("abort", giveUp);
  }
}

async function exchange(channel: Channel, first: Uint8Array, signal: AbortSignal): Promise<Extract<Frame, { type: "item" }>> {
  try {
    await channel.write(first);
    const frame = await nextFrame(channel);
    if (frame.type === "item") return frame;
    throw messagingErrors.fail("messaging.bad_message", { message: `An answer was expected, "${frame.type}" came.` });
  } catch (error) {
    throw signal.aborted ? reasonOf(signal) : error;
  }
}

export async function* askMany<Q, A>(options: StreamRequestOptions<Q, A>, connect: OpenChannel, clock: Clock): AsyncGenerator<A> {
  const { method } = options;
  const first = encodeFrame({ type: "open", kind: "stream", method: method.name, body: encodeBody(method.request, options.body) });
  const channel = await opened(options, connect);
  const giveUp = (): void => channel.abort(aborted());
  options.signal?.addEventListener("abort", giveUp, { once: true });
  let complete = false;
  try {
    await channel.write(first);
    for (;;) {
      const frame = await within(nextFrame(channel), { clock, delayMs: L.streamSilenceMs });
      if (frame.type === "item") yield decodeBody(method.item, frame.body);
      if (frame.type === "end") break;
      if (frame.type === "open") throw messagingErrors.fail("messaging.bad_message");
    }
    complete = true;
    await channel.close();
  } catch (error) {
    if (options.signal?.aborted === true) throw aborted();
    throw isGridError(error) && error.code === "messaging.timeout" ? messagingErrors.fail("messaging.stream_lost", { cause: error }) : error;
  } finally {
    options.signal?.removeEventListener("abort", giveUp);
    if (!complete) channel.abort(aborted());
  }
}

async function opened(options: StreamRequestOptions<never, never> | StreamOpening, connect: OpenChannel): Promise<Channel> {
  using limit = deadline(options);
  return await reach(connect, limit.signal);
}

type StreamOpening = Pick<StreamRequestOptions<unknown, unknown>, "timeoutMs" | "signal">;

async function reach(connect: OpenChannel, signal: AbortSignal): Promise<Channel> {
  if (signal.aborted) throw reasonOf(signal);
  try {
    return await connect(signal);
  } catch (error) {
    throw signal.aborted ? reasonOf(signal) : error;
  }
}

/** @throws GridError the other side's error, messaging.stream_lost */
async function nextFrame(channel: Channel): Promise<Frame> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await channel.read();
  } catch (cause) {
    if (isGridError(cause)) throw cause;
    throw messagingErrors.fail("messaging.stream_lost", { cause });
  }
  if (bytes === undefined) throw messagingErrors.fail("messaging.stream_lost");
  const frame = decodeFrame(bytes);
  if (frame.type === "error") throw errorOf(frame.error);
  return frame;
}

/** Aborts with `messaging.timeout` after the time, or with `messaging.aborted` when the caller's signal does. */
function deadline(options: StreamOpening): Deadline {
  const delayMs = Math.min(options.timeoutMs ?? L.requestTimeoutMs, L.requestTimeoutMaxMs);
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(aborted());
  if (options.signal?.aborted === true) onAbort();
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const timer = setTimeout(() => {
    controller.abort(messagingErrors.fail("messaging.timeout", { message: `No answer within ${delayMs} ms.`, details: { timeoutMs: delayMs } }));
  }, delayMs);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    },
  };
}

function aborted(): Error {
  return messagingErrors.fail("messaging.aborted");
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : aborted();
}
