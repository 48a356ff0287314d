/** A twin's messenger over js-libp2p. */
import type { Connection, PeerId, Stream } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import { type Clock, isGridError, type KeyPair, type Logger, systemClock, type TwinId } from "@tfgrid/primitives";
import { parseRelay, type RelayAddress } from "./address.ts";
import { askMany, askOnce } from "./caller.ts";
import type { Channel } from "./channel.ts";
import { type Dispatcher, dispatcher } from "./dispatcher.ts";
import { messagingErrors } from "./errors.ts";
import { PROTOCOL } from "./frames.ts";
import { type Host, startHost } from "./host.ts";
import { accountOf, peerIdOf } from "./identity.ts";
import { MESSAGING_LIMITS as L } from "./limits.ts";
import { raceAbort } from "./race.ts";
import { keepRelay, type RelayLink } from "./relay-link.ts";
import { streamChannel } from "./stream-channel.ts";
import type { Messenger, PeerTwin, TwinResolver } from "./types.ts";

export interface ConnectMessengerOptions {
  readonly keyPair: KeyPair;
  readonly twinId: TwinId;
  /** Multiaddrs, as the relay prints them; also write them to the twin on the ledger, or nobody finds us. */
  readonly relays: readonly string[];
  readonly resolve: TwinResolver;
  readonly logger: Logger;
  /** Stops the messenger. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/**
 * Returns at once; relays are reached in the background (`ready` waits for the first).
 * @throws GridError messaging.bad_relay_address
 */
export async function connectMessenger(options: ConnectMessengerOptions): Promise<Messenger> {
  const { keyPair, twinId, resolve, clock = systemClock } = options;
  const logger = options.logger.child({ room: "messaging", twinId });
  const relays = options.relays.map((text) => parseRelay(text));
  if (relays.length > L.relays) {
    throw messagingErrors.fail("messaging.bad_relay_address", { message: `At most ${L.relays} relays can be used at a time.` });
  }
  const host = await startHost({ keyPair, relays: relays.map((relay) => relay.address) });
  const serving = dispatcher({ resolve, logger, clock });
  await serve(host, serving);

  const stopping = new AbortController();
  const readiness = Promise.withResolvers<void>();
  const links = relays.map((relay) =>
    keepRelay({ host, relay, clock, logger, signal: stopping.signal, onConnected: readiness.resolve }),
  );
  const open = (to: TwinId, signal: AbortSignal): Promise<Channel> => {
    if (stopping.signal.aborted) throw messagingErrors.fail("messaging.stopped");
    return openChannel({ host, links, resolve, to, signal });
  };
  const stop = stopper(host, links, stopping);
  options.signal?.addEventListener("abort", () => void stop(), { once: true });
  if (options.signal?.aborted === true) await stop();
  return {
    twinId,
    account: keyPair.account,
    handle: serving.handle,
    handleStream: serving.handleStream,
    request: (request) => askOnce(request, (signal) => open(request.to, signal)),
    stream: (request) => askMany(request, (signal) => open(request.to, signal), clock),
    ready: (signal) => raceAbort(readiness.promise, signal === undefined ? stopping.signal : AbortSignal.any([signal, stopping.signal])),
    relays: () => links.map((link) => ({ address: link.relay.text, connected: link.connected() })),
    stop,
  };
}

async function serve(host: Host, serving: Dispatcher): Promise<void> {
  await host.node.handle(
    PROTOCOL,
    (stream: Stream, connection: Connection) => {
      void serving.serve(streamChannel(stream), accountOf(connection.remotePeer));
    },
    { maxInboundStreams: L.openPerPeer * 2, maxOutboundStreams: L.openInTotal, runOnLimitedConnection: true },
  );
}

function stopper(host: Host, links: readonly RelayLink[], stopping: AbortController): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  return () => {
    stopped ??= (async () => {
      stopping.abort(messagingErrors.fail("messaging.stopped"));
      await host.node.stop();
      await Promise.all(links.map((link) => link.done));
    })();
    return stopped;
  };
}

interface OpenOptions {
  readonly host: Host;
  readonly links: readonly RelayLink[];
  readonly resolve: TwinResolver;
  readonly to: TwinId;
  readonly signal: AbortSignal;
}

async function openChannel(options: OpenOptions): Promise<Channel> {
  const { host, resolve, to, signal } = options;
  const twin = await raceAbort(resolve.byId(to), signal);
  if (twin === undefined) throw messagingErrors.fail("messaging.twin_unknown", { details: { twinId: to } });
  const peer = peerIdOf(twin.account);
  try {
    return await negotiate(await connectionTo({ ...options, twin, peer }), signal);
  } catch (error) {
    if (signal.aborted) throw error;
    // A connection that died unseen: close what there is and dial once more.
    await host.node.hangUp(peer);
    return await unreachable(options, async () => negotiate(await connectionTo({ ...options, twin, peer }), signal));
  }
}

async function negotiate(connection: Connection, signal: AbortSignal): Promise<Channel> {
  return streamChannel(await connection.newStream(PROTOCOL, { signal, runOnLimitedConnection: true, maxOutboundStreams: L.openInTotal }));
}

async function connectionTo(options: OpenOptions & { readonly twin: PeerTwin; readonly peer: PeerId }): Promise<Connection> {
  const { host, links, twin, peer, signal } = options;
  const existing = host.node.getConnections(peer).find((connection) => connection.status === "open");
  if (existing !== undefined) return existing;
  const relays = [...relaysOf(twin)].sort((a, b) => Number(isConnected(links, b)) - Number(isConnected(links, a)));
  const addresses = relays.map((relay) => multiaddr(`${relay.text}/p2p-circuit/p2p/${peer.toString()}`));
  if (addresses.length === 0) throw messagingErrors.fail("messaging.peer_unreachable", { message: `Twin ${twin.id} lists no usable relay.` });
  return host.node.dial(addresses, { signal });
}

/** What a stranger wrote on the ledger may be anything: addresses that are none are passed over. */
function* relaysOf(twin: PeerTwin): Generator<RelayAddress> {
  for (const text of twin.relays) {
    try {
      yield parseRelay(text);
    } catch (error) {
      if (!isGridError(error)) throw error;
    }
  }
}

function isConnected(links: readonly RelayLink[], relay: RelayAddress): boolean {
  return links.some((link) => link.relay.peer.equals(relay.peer) && link.connected());
}

async function unreachable(options: OpenOptions, attempt: () => Promise<Channel>): Promise<Channel> {
  try {
    return await attempt();
  } catch (cause) {
    if (isGridError(cause) || options.signal.aborted) throw cause;
    const alone = options.links.length > 0 && options.links.every((link) => !link.connected());
    throw messagingErrors.fail(alone ? "messaging.not_connected" : "messaging.peer_unreachable", {
      ...(alone ? {} : { message: `Twin ${options.to} cannot be reached over any of its relays.` }),
      details: { twinId: options.to },
      cause,
    });
  }
}
