/** Messengers without a wire, for simulations: the same protocol code over channels in memory, with cuts on demand. */
import { type AccountId, type Clock, type Logger, silentLogger, systemClock, type TwinId } from "@tfgrid/primitives";
import { askMany, askOnce } from "./caller.ts";
import type { Channel } from "./channel.ts";
import { type Dispatcher, dispatcher } from "./dispatcher.ts";
import { messagingErrors } from "./errors.ts";
import { MAX_FRAME_BYTES } from "./frames.ts";
import type { Messenger, TwinResolver } from "./types.ts";

export interface MemoryNetwork {
  /** `account` takes the place of the proven key. */
  connect(options: { readonly account: AccountId; readonly twinId: TwinId; readonly logger?: Logger }): Promise<Messenger>;
  /** Breaks every channel of the twin and refuses new ones until `restore`. */
  cut(account: AccountId): void;
  restore(account: AccountId): void;
}

interface Endpoint {
  readonly dispatcher: Dispatcher;
  readonly channels: Set<Channel>;
}

export function memoryNetwork(options: { readonly resolve: TwinResolver; readonly clock?: Clock }): MemoryNetwork {
  const { resolve, clock = systemClock } = options;
  const endpoints = new Map<AccountId, Endpoint>();
  const cuts = new Set<AccountId>();
  const breakAll = (endpoint: Endpoint | undefined, reason: Error): void => {
    for (const channel of endpoint?.channels ?? []) channel.abort(reason);
  };
  const open = async (from: AccountId, to: TwinId): Promise<Channel> => {
    if (cuts.has(from)) throw messagingErrors.fail("messaging.not_connected");
    const twin = await resolve.byId(to);
    if (twin === undefined) throw messagingErrors.fail("messaging.twin_unknown", { details: { twinId: to } });
    const [here, there] = [endpoints.get(from), endpoints.get(twin.account)];
    if (there === undefined || here === undefined || cuts.has(twin.account)) {
      throw messagingErrors.fail("messaging.peer_unreachable", { details: { twinId: to } });
    }
    const [ours, theirs] = channelPair();
    track(here, ours);
    track(there, theirs);
    void there.dispatcher.serve(theirs, from);
    return ours;
  };
  return {
    connect: async ({ account, twinId, logger = silentLogger }) => {
      if (endpoints.has(account)) throw new Error(`${account} is connected already`);
      const endpoint: Endpoint = { dispatcher: dispatcher({ resolve, logger, clock }), channels: new Set() };
      endpoints.set(account, endpoint);
      return {
        twinId,
        account,
        handle: endpoint.dispatcher.handle,
        handleStream: endpoint.dispatcher.handleStream,
        request: (request) => askOnce(request, () => open(account, request.to)),
        stream: (request) => askMany(request, () => open(account, request.to), clock),
        ready: async () => undefined,
        relays: () => [{ address: "memory", connected: !cuts.has(account) }],
        stop: async () => {
          endpoints.delete(account);
          breakAll(endpoint, messagingErrors.fail("messaging.stopped"));
        },
      };
    },
    cut: (account) => {
      cuts.add(account);
      breakAll(endpoints.get(account), messagingErrors.fail("messaging.stream_lost"));
    },
    restore: (account) => {
      cuts.delete(account);
    },
  };
}

function track(endpoint: Endpoint, channel: Channel): void {
  endpoint.channels.add(channel);
  channel.gone.addEventListener("abort", () => endpoint.channels.delete(channel), { once: true });
}

/** Frames that a writer may be ahead of the reader; as on a wire, a refusal can be written before the question is read. */
const WINDOW_FRAMES = 4;

/** Two ends; a write waits while the window is full. */
export function channelPair(): readonly [Channel, Channel] {
  const gone = new AbortController();
  const [there, back] = [pipe(gone.signal), pipe(gone.signal)];
  const end = (reading: Pipe, writing: Pipe): Channel => ({
    gone: gone.signal,
    read: reading.read,
    write: async (frame) => {
      if (frame.length > MAX_FRAME_BYTES) throw messagingErrors.fail("messaging.too_large");
      await writing.write(frame);
    },
    close: async () => {
      writing.end();
      if (there.ended() && back.ended()) gone.abort(new Error("the channel is closed"));
    },
    abort: (reason) => {
      if (!gone.signal.aborted) gone.abort(reason);
    },
  });
  return [end(back, there), end(there, back)];
}

interface Pipe {
  readonly read: () => Promise<Uint8Array | undefined>;
  write(frame: Uint8Array): Promise<void>;
  end(): void;
  ended(): boolean;
}

function pipe(gone: AbortSignal): Pipe {
  const frames: { readonly frame: Uint8Array; taken(): void }[] = [];
  let over = false;
  let wake: () => void = () => undefined;
  gone.addEventListener("abort", () => {
    for (const entry of frames) entry.taken();
    wake();
  });
  return {
    read: async () => {
      for (;;) {
        const entry = frames.shift();
        if (entry !== undefined) {
          entry.taken();
          return entry.frame;
        }
        if (over) return undefined;
        if (gone.aborted) throw messagingErrors.fail("messaging.stream_lost", { cause: gone.reason });
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    write: async (frame) => {
      if (over || gone.aborted) throw messagingErrors.fail("messaging.stream_lost", { cause: gone.reason });
      const taken = new Promise<void>((resolve) => {
        frames.push({ frame, taken: resolve });
        wake();
      });
      if (frames.length > WINDOW_FRAMES) await taken;
      if (gone.aborted && !over) throw messagingErrors.fail("messaging.stream_lost", { cause: gone.reason });
    },
    end: () => {
      over = true;
      wake();
    },
    ended: () => over,
  };
}
