/**
 * The libp2p node of one messenger: dials out over TCP and WebSocket, is dialed only through its relays, and runs no
 * service beyond identify (which circuit relay needs) and ping (by which dead connections are found).
 */
import { noise } from "@chainsafe/libp2p-noise";
import { yamux } from "@chainsafe/libp2p-yamux";
import { circuitRelayTransport } from "@libp2p/circuit-relay-v2";
import { identify } from "@libp2p/identify";
import { FaultTolerance, type Libp2p, type PeerId, type Transport } from "@libp2p/interface";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { webSockets } from "@libp2p/websockets";
import type { Multiaddr } from "@multiformats/multiaddr";
import type { KeyPair } from "@tfgrid/primitives";
import { createLibp2p } from "libp2p";
import { peerKeyOf } from "./identity.ts";
import { MESSAGING_LIMITS as L } from "./limits.ts";
import { raceAbort } from "./race.ts";

/** Places on relays, as the circuit relay transport keeps and refreshes them. */
export interface Reservations {
  addRelay(relay: PeerId, type: "configured"): Promise<unknown>;
  hasReservation(relay: PeerId): boolean;
  /** Relays whose dial failed once are never tried again by the transport itself: we take them out before each try. */
  readonly relayFilter: { remove(peer: Uint8Array): boolean };
}

export interface Host {
  readonly node: Libp2p;
  /** Takes or renews a place on a relay that we are connected with. */
  reserve(relay: PeerId, signal: AbortSignal): Promise<void>;
  hasPlace(relay: PeerId): boolean;
}

export async function startHost(options: { readonly keyPair: KeyPair; readonly relays: readonly Multiaddr[] }): Promise<Host> {
  let circuit: Transport | undefined;
  const node = await createLibp2p({
    privateKey: await peerKeyOf(options.keyPair),
    nodeInfo: { name: "tfgrid", version: "1", userAgent: "tfgrid" },
    // Nothing listens; the announced address is what a relayed connection shows as our own.
    addresses: { listen: [], announce: options.relays.map((relay) => `${relay.toString()}/p2p-circuit`) },
    transportManager: { faultTolerance: FaultTolerance.NO_FATAL },
    transports: [
      tcp({ dialOpts: { keepAlive: true, noDelay: true } }),
      webSockets(),
      (components) => (circuit = circuitRelayTransport({ maxInboundStopStreams: L.connectionsPerMessenger, reservationConcurrency: L.relays })(components)),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: {
      maxConnections: L.connectionsPerMessenger,
      addressDialTimeout: L.addressDialMs,
      // Reconnecting is the relay link's work, with its own back-off.
      reconnectRetries: 0,
    },
    connectionMonitor: {
      pingInterval: L.pingIntervalMs,
      pingTimeout: { minTimeout: L.pingTimeoutMs, maxTimeout: L.pingTimeoutMs },
    },
    services: { identify: identify({ runOnConnectionOpen: true }), ping: ping({ runOnLimitedConnection: true }) },
  });
  const reservations = reservationsOf(circuit);
  return { node, hasPlace: (relay) => reservations.hasReservation(relay), reserve: oneAtATime(reservations) };
}

/** The transport drops waiting reservations when another one succeeds; so ours never wait there, but here. */
function oneAtATime(reservations: Reservations): Host["reserve"] {
  let last: Promise<unknown> = Promise.resolve();
  return (relay, signal) => {
    const before = last;
    const turn = (async () => {
      await before;
      signal.throwIfAborted();
      reservations.relayFilter.remove(relay.toMultihash().bytes);
      await raceAbort(reservations.addRelay(relay, "configured"), signal);
    })();
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** The transport's own store; its type is not exported, so its form is checked once at the start. */
function reservationsOf(circuit: Transport | undefined): Reservations {
  const store = (circuit as { reservationStore?: Partial<Reservations> } | undefined)?.reservationStore;
  if (typeof store?.addRelay !== "function" || typeof store.hasReservation !== "function" || typeof store.relayFilter?.remove !== "function") {
    throw new Error("this version of the circuit relay transport keeps its reservations elsewhere");
  }
  return store as Reservations;
}
