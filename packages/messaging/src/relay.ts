/**
 * A relay: twins that only dial out meet here. It passes on Noise-encrypted bytes between two keys and can neither read
 * nor change them. It keeps nothing: after a restart messengers reserve their places again by themselves.
 */
import { noise } from "@chainsafe/libp2p-noise";
import { yamux } from "@chainsafe/libp2p-yamux";
import { type CircuitRelayService, circuitRelayServer } from "@libp2p/circuit-relay-v2";
import { identify } from "@libp2p/identify";
import type { Connection, Libp2p, PeerId } from "@libp2p/interface";
import { ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { webSockets } from "@libp2p/websockets";
import { CODE_P2P_CIRCUIT } from "@multiformats/multiaddr";
import type { KeyPair, Logger } from "@tfgrid/primitives";
import { createLibp2p } from "libp2p";
import { messagingErrors } from "./errors.ts";
import { peerIdTextOf, peerKeyOf } from "./identity.ts";
import { MESSAGING_LIMITS, RELAY_LIMITS } from "./limits.ts";

export interface RelayListen {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly transport: "tcp" | "ws";
}

export type RelayLimits = Partial<{ readonly [K in keyof typeof RELAY_LIMITS]: (typeof RELAY_LIMITS)[K] extends bigint ? bigint : number }>;

export interface StartRelayOptions {
  readonly keyPair: KeyPair;
  readonly listen: readonly RelayListen[];
  readonly limits?: RelayLimits;
  readonly logger: Logger;
}

export interface RunningRelay {
  readonly endpoints: {
    /** Multiaddrs to give to messengers and to write to twins on the ledger, TCP first. */
    readonly addresses: readonly string[];
    readonly peerId: string;
  };
  /** Twins that hold a place now. */
  reservations(): number;
  stop(): Promise<void>;
}

/** @throws GridError messaging.cannot_listen */
export async function startRelay(options: StartRelayOptions): Promise<RunningRelay> {
  const logger = options.logger.child({ room: "relay" });
  const limits = { ...RELAY_LIMITS, ...options.limits };
  const node = await createRelayNode(options, limits);
  try {
    await node.start();
  } catch (cause) {
    await node.stop();
    throw messagingErrors.fail("messaging.cannot_listen", { cause, details: { listen: options.listen.map((at) => `${at.host}:${at.port}`) } });
  }
  replaceOldConnections(node);
  freePlaces(node, node.services.relay);
  const addresses = node
    .getMultiaddrs()
    .filter((address) => address.getComponents().every((part) => part.code !== CODE_P2P_CIRCUIT))
    .map((address) => address.toString())
    .sort((a, b) => Number(a.includes("/ws")) - Number(b.includes("/ws")));
  logger.info("relay serves", { addresses });
  return {
    endpoints: { addresses, peerId: peerIdTextOf(options.keyPair.account) },
    reservations: () => node.services.relay.reservations.size,
    stop: async () => node.stop(),
  };
}

async function createRelayNode(options: StartRelayOptions, limits: Required<RelayLimits>) {
  return createLibp2p({
    start: false,
    privateKey: await peerKeyOf(options.keyPair),
    nodeInfo: { name: "tfgrid-relay", version: "1", userAgent: "tfgrid-relay" },
    addresses: { listen: options.listen.map(listenAddress) },
    transports: [tcp({ listenOpts: { keepAlive: true, noDelay: true } }), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ maxInboundStreams: limits.circuitsPerConnection, maxOutboundStreams: limits.circuitsPerConnection })],
    connectionManager: {
      maxConnections: limits.connections,
      maxIncomingPendingConnections: limits.pendingHandshakes,
      inboundConnectionThreshold: limits.connectionsPerSecondPerHost,
      reconnectRetries: 0,
    },
    connectionMonitor: {
      pingInterval: MESSAGING_LIMITS.pingIntervalMs,
      pingTimeout: { minTimeout: MESSAGING_LIMITS.pingTimeoutMs, maxTimeout: MESSAGING_LIMITS.pingTimeoutMs },
    },
    services: {
      identify: identify(),
      ping: ping(),
      relay: circuitRelayServer({
        maxInboundHopStreams: limits.circuitsPerConnection,
        maxOutboundStopStreams: limits.circuitsPerConnection,
        reservations: {
          maxReservations: limits.reservations,
          reservationTtl: limits.reservationTtlMs,
          defaultDurationLimit: limits.relayedMs,
          defaultDataLimit: limits.relayedBytes,
        },
      }),
    },
  });
}

/**
 * A twin that was cut off and comes back opens a second connection while the dead one still looks alive; the relay
 * would send callers into the dead one until pings find it. The newest connection of a key is the true one.
 */
function replaceOldConnections(node: Libp2p): void {
  node.addEventListener("connection:open", (event: CustomEvent<Connection>) => {
    for (const older of node.getConnections(event.detail.remotePeer)) {
      if (older.id !== event.detail.id && older.direction === "inbound") older.abort(new Error("replaced by a newer connection"));
    }
  });
}

/** A twin that is gone needs no place: without this it would hold one until the reservation ends by itself. */
function freePlaces(node: Libp2p, relay: CircuitRelayService): void {
  node.addEventListener("peer:disconnect", (event: CustomEvent<PeerId>) => {
    const reservation = relay.reservations.get(event.detail);
    if (reservation === undefined) return;
    // Its timer would otherwise end a later reservation of the same twin.
    reservation.signal.clear();
    relay.reservations.delete(event.detail);
  });
}

function listenAddress(at: RelayListen): string {
  const family = at.host.includes(":") ? "ip6" : "ip4";
  return `/${family}/${at.host}/tcp/${at.port}${at.transport === "ws" ? "/ws" : ""}`;
}
