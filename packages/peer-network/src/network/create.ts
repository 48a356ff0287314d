/** The control loop of a node's private networks: chain, links and wishes in; peers, names and forwards out. */
import {
  type AccountId,
  type Clock,
  type Entropy,
  hasCode,
  type KeyPair,
  type Logger,
  messageOf,
  type NodeId,
  type SolutionId,
  systemClock,
  systemEntropy,
  type TwinId,
} from "@tfgrid/primitives";
import type { LinkAd } from "../core/link-state.ts";
import type { MeshPorts } from "../linux/names.ts";
import { PATH_LIMITS as L } from "../limits.ts";
import type { NetworkDriver } from "../ports.ts";
import { createProber, type Prober, type ProberOptions, type ProbeSocket, type ProbeTarget } from "../prober/prober.ts";
import { type DesiredZnet, desiredNames, desiredPeers, sharesOf } from "./desired.ts";
import { type ForwardService, forwardService } from "./forward-service.ts";
import { type LinkStateService, linkStateService } from "./link-state-service.ts";
import { type MemoryStore, type NetworkMemory, type Recorder, recorder } from "./memory.ts";
import type { PeerMessenger } from "./messages.ts";
import { type PairId, type PathService, pathService, type PathStatus } from "./path-service.ts";
import { type ChainView, endpointOf, type NetworkChain, readView } from "./view.ts";

export interface PeerNetworkOptions {
  readonly nodeId: NodeId;
  /** The node's own twin: signs link states. */
  readonly pair: KeyPair;
  /** Secret half of the node's meshKey. */
  readonly meshPrivateKey: Uint8Array;
  readonly driver: Pick<NetworkDriver, "setForwards" | "setNames" | "setPeers">;
  readonly chain: NetworkChain;
  readonly messenger: PeerMessenger;
  /** From openMeshSocket. */
  readonly socket: ProbeSocket;
  readonly ports: MeshPorts;
  /** What an agent before this one on the same machine was about; default: nothing is remembered. */
  readonly memory?: { readonly store: MemoryStore; readonly remembered: NetworkMemory | undefined };
  /** Forward ciphertext for others' solutions. Default true. */
  readonly consentToForward?: boolean;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  /** Monotonic, microseconds. */
  readonly nowUs?: () => number;
  readonly logger: Logger;
}

export interface PeerNetworkStatus {
  readonly links: LinkAd["links"];
  readonly paths: readonly PathStatus[];
  readonly forwards: number;
}

export interface PeerNetwork {
  /** Replaces what this node wants; cheap, call it whenever instructions or own zmachines change. */
  setZnets(znets: readonly DesiredZnet[]): void;
  /** Something changed on the chain: look now instead of at the next round. */
  nudge(): void;
  status(): PeerNetworkStatus;
  /** Stops the loops; kernel state stays as it is, so traffic goes on. */
  stop(): Promise<void>;
}

interface Services {
  readonly prober: Prober;
  readonly linkState: LinkStateService;
  readonly paths: PathService;
  readonly forwards: ForwardService;
  readonly views: ViewCache;
  readonly choose: () => void;
}

/** `changed`: a path changed; peers are to be set. */
function createServices(options: PeerNetworkOptions, wanted: () => readonly DesiredZnet[], changed: () => void): Services {
  const { nodeId, chain, messenger, driver, logger, clock = systemClock } = options;
  const consent = options.consentToForward ?? true;
  const views = viewCache(chain, clock, () => wanted().map(({ solutionId }) => solutionId));
  const view = (): Promise<ChainView> => views.read(L.viewAgeMs);
  const choose = (): void => paths.choose(linkState.db.graph(), views.last);
  const prober = proberOf(options, {
    onTransition: (peer, alive) => linkState.transition(peer, alive),
    onRound: () => {
      linkState.tick();
      choose();
    },
  });
  const linkState = linkStateService({
    nodeId,
    pair: options.pair,
    forwards: consent,
    messenger,
    clock,
    logger,
    links: () => prober.links(),
    accountOf: accountLookup(chain),
    twinOf: (id): TwinId | undefined => views.last.nodes.get(id)?.twinId,
    onChange: choose,
  });
  const memory = remember(options, () => ({ leases: forwards.leases(), paths: paths.paths() }));
  const paths = pathService({
    nodeId,
    messenger,
    clock,
    logger,
    view,
    settled: (peer) => prober.settled(peer),
    remembered: memory.remembered.paths,
    onChange: () => {
      memory.changed();
      changed();
    },
  });
  const forwards = forwardService({
    nodeId,
    consent,
    ports: options.ports.forwards,
    messenger,
    chain,
    clock,
    view,
    apply: (next) => driver.setForwards(next),
    remembered: memory.remembered.leases,
    onChange: () => memory.changed(),
  });
  return { prober, linkState, paths, forwards, views, choose };
}

export function createPeerNetwork(options: PeerNetworkOptions): PeerNetwork {
  const { nodeId, driver, logger, socket, clock = systemClock } = options;
  const stopping = new AbortController();
  const bell = doorbell();
  let wanted: readonly DesiredZnet[] = [];
  const services = createServices(
    options,
    () => wanted,
    () => bell.ring({ news: false, settleFromMs: clock.nowMs() }),
  );
  const { prober, linkState, paths, forwards, views, choose } = services;

  const reconcile = async (): Promise<void> => {
    // What only settles a path needs no news from the chain.
    const view = await views.read(bell.news() ? 0 : L.settleForMs);
    // Wishes that came during the read, or whose solution it did not find, wait: no word of the chain is no word to close tunnels.
    const znets = wanted.filter(({ solutionId }) => view.solutions.has(solutionId));
    prober.setTargets(probeTargets(view, nodeId, znets));
    paths.setPairs(znets.flatMap((znet) => pairsOf(view, znet, nodeId)));
    choose();
    const insist = bell.settling(clock.nowMs());
    let greeted = false;
    for (const znet of znets) greeted = (await applyZnet({ driver, view, znet, wanted: znets, self: nodeId, paths, insist })) || greeted;
    if (greeted) bell.ring({ news: false, settleFromMs: clock.nowMs() });
    await forwards.sweep();
  };
  const failed = (error: unknown): void => logger.warn("the network is not up to date; it is tried again", { reason: messageOf(error) });
  const round = (): Promise<void> => reconcile().catch(failed);
  const { signal } = stopping;
  const running = Promise.all([
    repeat(signal, round, () => bell.wait(clock, L.reconcileMs, signal)),
    prober.run(signal),
  ]);

  return {
    setZnets: (znets) => {
      const grown = hasNew(wanted, znets);
      wanted = znets;
      bell.ring({ news: true, ...(grown ? { settleFromMs: clock.nowMs() } : {}) });
    },
    nudge: () => bell.ring({ news: true }),
    status: () => ({ links: prober.links(), paths: paths.status(linkState.db.graph()), forwards: forwards.count }),
    stop: async () => {
      stopping.abort(new Error("stopped"));
      for (const service of [linkState, paths, forwards]) service.stop();
      await running;
      socket.close();
    },
  };
}

function remember({ memory, logger }: PeerNetworkOptions, current: () => NetworkMemory): Recorder {
  const nothing: NetworkMemory = { leases: [], paths: [] };
  if (memory === undefined) return { remembered: nothing, changed: () => undefined };
  const failed = (error: unknown): void => logger.warn("paths could not be remembered; a restart would find them anew", { reason: messageOf(error) });
  return recorder({ store: memory.store, remembered: memory.remembered ?? nothing, current, failed });
}

/** A new network's ends learn of each other within moments: none must wait for the other's next round. */
const hasNew = (before: readonly DesiredZnet[], now: readonly DesiredZnet[]): boolean => now.some(({ key }) => !before.some((znet) => znet.key === key));

function proberOf(options: PeerNetworkOptions, heard: Pick<ProberOptions, "onTransition" | "onRound">): Prober {
  const { nodeId, meshPrivateKey, socket, logger, clock = systemClock, entropy = systemEntropy } = options;
  const nowUs = options.nowUs ?? (() => performance.now() * 1000);
  return createProber({ nodeId, meshPrivateKey, socket, clock, entropy, logger, nowUs, ...heard });
}

async function repeat(signal: AbortSignal, step: () => Promise<void>, pause: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await step();
    // The pause is cut short by the end of the loop.
    await pause().catch(() => undefined);
  }
}

interface ViewCache {
  /** The last view read; empty before the first. */
  readonly last: ChainView;
  read(maxAgeMs: number): Promise<ChainView>;
}

/** Solutions are read afresh; the long list of nodes now and then, and when a contract names a node that is not on it. */
function viewCache(chain: NetworkChain, clock: Clock, solutionIds: () => readonly SolutionId[]): ViewCache {
  let last: ChainView = { nodes: new Map(), solutions: new Map() };
  let readAtMs = Number.NEGATIVE_INFINITY;
  let nodesAtMs = Number.NEGATIVE_INFINITY;
  return {
    get last() {
      return last;
    },
    read: async (maxAgeMs) => {
      const nowMs = clock.nowMs();
      if (nowMs - readAtMs < maxAgeMs) return last;
      const old = nowMs - nodesAtMs >= L.nodeListMs;
      let next = await readView(chain, solutionIds(), old ? undefined : last.nodes);
      const unknown = [...next.solutions.values()].some(({ contracts }) => contracts.some((contract) => !next.nodes.has(contract.nodeId)));
      if (unknown && !old) next = await readView(chain, solutionIds());
      if (unknown || old) nodesAtMs = nowMs;
      readAtMs = nowMs;
      last = next;
      return next;
    },
  };
}

interface ApplyOptions {
  readonly driver: PeerNetworkOptions["driver"];
  readonly view: ChainView;
  readonly znet: DesiredZnet;
  readonly wanted: readonly DesiredZnet[];
  readonly self: NodeId;
  readonly paths: PathService;
  readonly insist: boolean;
}

/** @returns whether a peer is met for the first time. */
async function applyZnet({ driver, view, znet, wanted, self, paths, insist }: ApplyOptions): Promise<boolean> {
  const { solutionId, name: network } = znet;
  const endpointFor = (peer: NodeId) => paths.endpointFor({ solutionId, network, peer });
  const siblings = wanted.filter((other) => other.solutionId === solutionId);
  try {
    const { greeted } = await driver.setPeers(znet.key, desiredPeers({ view, znet, self, endpointFor }), { insist });
    await driver.setNames(znet.key, desiredNames({ view, znet, siblings, self }));
    return greeted;
  } catch (error) {
    // Wished for but not made yet: the provisioning makes it, and rings.
    if (!hasCode(error, "network.unknown_network")) throw error;
    return false;
  }
}

function pairsOf(view: ChainView, znet: DesiredZnet, self: NodeId): PairId[] {
  const solution = view.solutions.get(znet.solutionId);
  if (solution === undefined) return [];
  const others = [...sharesOf(solution, znet).keys()].filter((peer) => peer !== self);
  return others.map((peer) => ({ solutionId: znet.solutionId, network: znet.name, peer }));
}

/** Nodes of the same solutions first, then possible forwarders spread over the grid by id; those that the ledger calls up. */
function probeTargets(view: ChainView, self: NodeId, wanted: readonly DesiredZnet[]): ProbeTarget[] {
  const near = new Set(wanted.flatMap((znet) => pairsOf(view, znet, self).map((pair) => pair.peer)));
  const target = (id: NodeId): ProbeTarget[] => {
    const node = view.nodes.get(id);
    const endpoint = endpointOf(node);
    return node === undefined || endpoint === undefined || id === self ? [] : [{ nodeId: id, meshKey: node.meshKey, endpoint }];
  };
  const others = [...view.nodes.values()].filter((node) => node.up && !near.has(node.id)).map((node) => node.id);
  // Distance by exclusive or is the same from both ends, so that two nodes choose each other.
  return [...near, ...others.toSorted((a, b) => (a ^ self) - (b ^ self))].flatMap(target);
}

/** A node's twin never changes and a twin's account neither: asked once. */
function accountLookup(chain: NetworkChain): (nodeId: NodeId) => Promise<AccountId | undefined> {
  const known = new Map<NodeId, AccountId>();
  return async (nodeId) => {
    const cached = known.get(nodeId);
    if (cached !== undefined) return cached;
    const node = await chain.node(nodeId);
    const account = node === undefined ? undefined : (await chain.twin(node.twinId))?.account;
    if (account !== undefined) known.set(nodeId, account);
    return account;
  };
}

interface Doorbell {
  /** With `settleFromMs`: also shortens the waits for a while from then on. */
  ring(ring: { readonly news: boolean; readonly settleFromMs?: number }): void;
  /** Whether the last ring told of something new on the chain or in the wishes, or there was none for the whole wait. */
  news(): boolean;
  /** A path changed a moment ago. */
  settling(nowMs: number): boolean;
  wait(clock: Clock, timeoutMs: number, signal: AbortSignal): Promise<void>;
}

/** Rings are remembered: one that comes during a round starts another. */
function doorbell(): Doorbell {
  let rung = false;
  let wake: (() => void) | undefined;
  let settledAtMs = 0;
  let [news, nextNews] = [true, false];
  return {
    ring: (ring) => {
      if (ring.settleFromMs !== undefined) settledAtMs = ring.settleFromMs + L.settleForMs;
      nextNews ||= ring.news;
      rung = true;
      wake?.();
    },
    news: () => news,
    settling: (nowMs) => nowMs < settledAtMs,
    wait: async (clock, timeoutMs, signal) => {
      if (!rung) {
        const settling = clock.nowMs() < settledAtMs;
        const patienceMs = settling ? L.settleMs : timeoutMs;
        const timer = new AbortController();
        const woken = new Promise<void>((resolve) => (wake = resolve));
        const slept = clock.sleep(patienceMs, AbortSignal.any([signal, timer.signal])).catch(() => undefined);
        await Promise.race([woken, slept]);
        timer.abort(new Error("woken"));
        wake = undefined;
        if (!rung && !settling) nextNews = true;
      }
      [news, nextNews] = [nextNews, false];
      rung = false;
    },
  };
}
