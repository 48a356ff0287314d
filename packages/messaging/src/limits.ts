/** Bounds of what a stranger can make a messenger or a relay hold. */
export const MESSAGING_LIMITS = {
  /** One request, answer or stream item: fits the largest instruction and any page of log lines. */
  messageBytes: 1_048_576,
  /** Header, method name and CBOR framing around a body. */
  frameOverheadBytes: 4_096,
  /** A method's name, `room.action`. */
  methodLength: 64,
  /** Requests and streams that one twin may have open here at a time. */
  openPerPeer: 32,
  /** Requests and streams that all twins together may have open here: bounds memory to about messageBytes times this. */
  openInTotal: 512,
  /** Sustained requests a second of one twin, and how many it may save up. */
  requestsPerSecond: 50,
  /** Requests that one twin may save up. */
  requestBurst: 200,
  /** Peers whose rate is remembered; the least recent are forgotten first. */
  rememberedPeers: 4_096,
  /** A stream must say what it wants within this time. */
  openTimeoutMs: 10_000,
  /** Without another wish, a request is answered within this time. */
  requestTimeoutMs: 10_000,
  /** The longest wait that a caller may wish for. */
  requestTimeoutMaxMs: 10 * 60_000,
  /** A stream without items still shows every so often that both ends live. */
  pulseMs: 10_000,
  /** Three pulses missed: the stream is lost. */
  streamSilenceMs: 35_000,
  /** One address of a peer is given this long before the next is tried. */
  addressDialMs: 4_000,
  /** A twin read from the ledger is believed this long; a missing one much shorter, for it may just have been made. */
  resolvedForMs: 60_000,
  /** A twin that the ledger does not have is looked up again after this. */
  unresolvedForMs: 1_000,
  /** Twins remembered from the ledger. */
  resolverEntries: 4_096,
  /** Relays that one messenger keeps a place on. */
  relays: 8,
  /** A relay answers a reservation within this time. */
  reserveMs: 5_000,
  /** Relay reconnection: first pause, longest pause. */
  reconnectMinMs: 100,
  /** The longest pause before a relay is dialled again. */
  reconnectMaxMs: 5_000,
  /**
   * How often a live connection is pinged. Only silence is found this way (a killed peer or relay closes its connection at once),
   * and a ping over a relay is a new stream of some thirty small packets: at 5 s they were most of an idle 3Node's work.
   */
  pingIntervalMs: 30_000,
  /** A connection without an answer to a ping for this long counts as dead. */
  pingTimeoutMs: 5_000,
  /** Connections of one messenger: its relays and the peers it talks with. */
  connectionsPerMessenger: 256,
} as const;

export const RELAY_LIMITS = {
  /** Twins that one relay holds a place for: about 40 kB of memory each. */
  reservations: 4_096,
  /** Renewed by the messenger 5 minutes before it ends; a vanished twin's place is free after this. */
  reservationTtlMs: 30 * 60_000,
  /** One relayed connection: a month of followed logs, not a download mirror. */
  relayedBytes: 64n * 1024n ** 3n,
  /** A relayed connection is ended after this; messengers dial again by themselves. */
  relayedMs: 24 * 3_600_000,
  /** TCP and WebSocket connections. */
  connections: 8_192,
  /** Handshakes at a time. */
  pendingHandshakes: 256,
  /** New connections a second from one address; a farm's nodes share one. */
  connectionsPerSecondPerHost: 50,
  /** Relayed connections of one twin at a time. */
  circuitsPerConnection: 256,
} as const;
