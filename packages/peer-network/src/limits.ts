/** Bounds of the peer network, each with its unit and reason. */
export const NETWORK_LIMITS = {
  /** Commands on the machine take milliseconds; one that hangs must not hang the reconcile loop. */
  commandTimeoutMs: 15_000,
  /** A Go program starts in tens of milliseconds; on a loaded small machine it may take seconds. */
  wireguardStartMs: 8_000,
  /** Between two looks whether the user-space WireGuard is there. */
  wireguardPollMs: 10,
  /**
   * Peers that are wanted as before are compared with the kernel's this often: what a stranger's hand changed is mended then.
   * Each look starts programs (40 ms of processor time), for something that nobody but root of the machine could do.
   */
  driftCheckMs: 300_000,
  /**
   * WireGuard greets a peer and, unheard, not again for five seconds (REKEY_TIMEOUT, section 6.1 of its paper): too long for a
   * new zmachine whose other end was not ready a moment ago. After this a peer that never answered is made anew, which greets.
   */
  greetAgainMs: 1_000,
  /** Output of one command kept in memory: `wg show dump` of 4,000 peers is about 1 MB. */
  commandOutputBytes: 8 * 1024 * 1024,
  /** 1500 of Ethernet less 80 of WireGuard over IPv6, its worst case: nothing is fragmented on the way. */
  tunnelMtu: 1420,
  /** Name server: one tenant's questions in flight and cache entries; bounds memory per private network (about 1 MB). */
  dnsInFlight: 150,
  /** Names that one private network's name server remembers. */
  dnsCacheEntries: 1_000,
  /** Bytes of standard error kept in an error's details. */
  errorTextLength: 400,
  /** WireGuard slots: one /31 of 169.254.64.0/18 each. */
  znetSlots: 3_840,
} as const;

export const PROBE_LIMITS = {
  /** A link that is new, changed or silent: three lost probes of 250 ms find a dead one within a second. */
  intervalMs: 250,
  /** A link that is as it was: death is found in little more than two seconds, for a quarter of the work. */
  steadyIntervalMs: 1_000,
  /** The end that was asked first lets the other end ask first the next time, too; longer than clocks and queues drift in a second. */
  alongMs: 100,
  /** Microseconds by which a delay may always move without the link being watched more closely. */
  steadyUs: 2_000,
  /** Probes lost in a row after which a link counts as dead. */
  lostProbesUntilDead: 3,
  /** An answer that a living link's other end, busy with other things, may always take: a full processor is no dead link. */
  patienceMs: 400,
  /** A reply later than this counts as lost. */
  timeoutMs: 2_000,
  /** Probes a second over all peers: about 100 bytes each, so 13 kB/s; with more peers the interval grows. */
  budgetPerSecond: 128,
  /** Links measured by one node; beyond that the way over others is as good, and flooding stays small. */
  maxLinks: 32,
  /** Answers a second to one sender: four times what an honest peer asks. */
  repliesPerSecondPerPeer: 16,
} as const;

export const LINK_STATE_LIMITS = {
  /** A node that has said nothing for this long is not used for forwarding; a link that dies is told by its other end at once. */
  maxAgeMs: 180_000,
  /** Said again even without change, so that the silent are forgotten: two words may get lost. Who comes late is told all by each new neighbour. */
  refreshMs: 60_000,
  /** Changes are gathered for this long before they are flooded; death is told at once. */
  gatherMs: 200,
  /** Drifting delays are told at most this often: a path is left for a better one only after seconds anyway. */
  driftMs: 10_000,
  /** A delay that doubled or halved and moved by this much is told soon. */
  jumpUs: 10_000,
  /** Jumps are told at most this often: machines that are all busy at once must not keep each other busy by telling so. */
  jumpMs: 2_000,
  /** A delay has drifted when it moved by this much and by this share; loss by this many per mille (5 probes of 50). */
  driftUs: 1_000,
  /** The share by which a delay must have moved as well. */
  driftShare: 0.1,
  /** Loss that has moved by this many per mille is told. */
  driftLossPermille: 100,
  /** A link that died is told after this: several die together when a node does. */
  urgentGatherMs: 5,
  /** An honest node says at most one word a `gatherMs`, and one more for each link that dies. */
  rateWindowMs: 10_000,
  /** Words of one node in `rateWindowMs` that are passed on; more are dropped. */
  adsPerWindow: 120,
  /** A neighbour that has begun anew asks for all words; so often in `rateWindowMs` it is told, as an agent may die more than once. */
  tellAllPerWindow: 4,
  /** Words in one message to a neighbour that asked for all: at most 1 MiB. */
  adsPerMessage: 64,
  /** Nodes whose links are remembered. */
  maxNodes: 10_000,
  /** Bytes of one node's word about its links. */
  maxAdBytes: 16 * 1024,
  /** Delays above this are not usable: 10 s. */
  maxDelayUs: 10_000_000,
  /** Cost in microseconds of each forwarding node: a hop must earn its work. */
  hopCostUs: 200,
  /** Extra cost per mille of loss: 1 % of loss is worth 5 ms of delay. */
  lossCostUs: 500,
} as const;

export const PATH_LIMITS = {
  /** A new path must be better by this share and this much ... */
  switchMarginShare: 0.15,
  /** ... and by at least this many microseconds ... */
  switchMarginUs: 2_000,
  /** ... for this long, before a working path is left. */
  switchAfterMs: 3_000,
  /** Forwarding nodes on one path. */
  maxHops: 4,
  /** A forward is dropped by the forwarding node when nobody renews it. */
  forwardLeaseMs: 60_000,
  /** A forward is renewed this often: four times within its lease. */
  forwardRenewMs: 15_000,
  /** A forwarding node answers within this time, or another path is chosen. */
  requestTimeoutMs: 3_000,
  /** Forwards one node carries. */
  maxForwards: 2_000,
  /** Names and peers are recomputed at least this often, should a hint be lost; events of the chain make it happen at once. */
  reconcileMs: 60_000,
  /**
   * After a path changed they are recomputed this often for this long: WireGuard answers where the last packet came from, so an
   * end that was told earlier falls back to the old way until the other end has left it too.
   */
  settleMs: 300,
  /** A path that could not be set up is tried again after this: the node that did not answer is often about to come back. */
  retryMs: 1_000,
  /** How long a change is watched over. */
  settleForMs: 5_000,
  /** The list of all nodes is read this often; solutions in every round. */
  nodeListMs: 60_000,
  /** Messages of others are judged by a view of the chain no older than this. */
  viewAgeMs: 1_000,
  /** WireGuard's keep-alive: below the 30 s after which common routers forget a UDP flow. */
  keepaliveSec: 25,
} as const;
