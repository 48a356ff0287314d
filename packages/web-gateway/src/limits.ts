/** Every bound of the web gateway, with its unit and reason. */
export const GATEWAY_LIMITS = {
  /** Routes of one gateway node: each is a backend section of some 20 KiB in HAProxy. */
  maxRoutes: 2_000,
  /** Backends of one route: the replicas of one service, twice while an update starts new ones first. */
  maxBackendsPerRoute: 200,
  /** Server slots that a route has at least, so that a few more replicas need no reload. */
  minSlots: 4,
  /** Connections in all; each may hold two buffers of 16 KiB: 128 MiB at the most. */
  maxConnections: 4_096,
  /** Connections to one zmachine; more wait in the queue. */
  maxConnectionsPerServer: 512,
  /** Connections of one client address: a browser opens 6 to a host, an office behind one address many. */
  maxConnectionsPerClient: 500,
  /** Requests of one client address in 10 s, when the options do not say otherwise. */
  requestsPer10s: 20_000,
  /** Addresses remembered for the two bounds above (about 100 bytes each); the oldest are forgotten first. */
  rememberedClients: 100_000,
  /** Bytes of an announced request body. */
  maxBodyBytes: 1024 * 1024 * 1024,
  /** Headers of one request. */
  maxHeaders: 100,
  /** Milliseconds for a whole request head (slowloris), and for the TLS hello. */
  requestHeadMs: 10_000,
  /** Milliseconds that a client or a zmachine may be silent. */
  clientIdleMs: 60_000,
  /** Milliseconds that a zmachine may be silent while it answers. */
  serverIdleMs: 120_000,
  /** Milliseconds until a zmachine must have accepted a connection; then the next replica is tried. */
  connectMs: 1_000,
  /** Milliseconds a request waits for a free connection. */
  queueMs: 5_000,
  /** Milliseconds that an idle client connection is kept for the next request. */
  keepAliveMs: 30_000,
  /** Milliseconds a quiet websocket is kept. */
  tunnelIdleMs: 3_600_000,
  /** Milliseconds between two health checks of one replica, and until one must be answered. */
  checkIntervalMs: 1_000,
  /** Milliseconds until a health check must be answered. */
  checkTimeoutMs: 1_000,
  /** After a first failure the second look comes sooner: a dead replica is out in about 1.3 s. */
  checkFastMs: 300,
  /** Seconds after a reload within which the old process ends what it serves; then it is stopped (long-lived websockets included). */
  hardStopSec: 30,
  /** Milliseconds between two looks whether HAProxy lives: one that ended is started anew half a second later, on average. */
  reconcileMs: 1_000,
  /** Milliseconds an answer on the run-time socket may take, and its bytes. */
  socketTimeoutMs: 2_000,
  /** Bytes of an answer on the run-time socket: the state of all routes. */
  maxSocketAnswerBytes: 16 * 1024 * 1024,
  /** Milliseconds HAProxy may take to read a new configuration. */
  startTimeoutMs: 10_000,
  /** Milliseconds HAProxy may take to end before it is killed. */
  endTimeoutMs: 3_000,
  /** Days: own certificates are made anew when less than this is left. */
  certificateRenewDays: 30,
  /** Days that an own certificate is valid; browsers refuse more than 398. */
  certificateDays: 397,
  /** Days that the own authority is valid. */
  authorityDays: 3_650,
} as const;
