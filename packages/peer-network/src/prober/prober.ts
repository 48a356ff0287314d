/** Measures the links of this node to others by questions and answers over one UDP socket. */
import { bytesToHex, type Clock, type Entropy, type Hex, type Logger, type NodeId } from "@tfgrid/primitives";
import { type LinkMonitor, linkMonitor } from "../core/link-monitor.ts";
import type { LinkAd } from "../core/link-state.ts";
import { PROBE_LIMITS as L } from "../limits.ts";
import { decodeProbe, encodeProbe, type ProbeKey, probeKey } from "./packet.ts";

/** A UDP socket in the mesh namespace, or a simulated one. */
export interface ProbeSocket {
  send(packet: Uint8Array, to: { readonly address: string; readonly port: number }): void;
  onMessage(listener: (packet: Uint8Array, from: { readonly address: string; readonly port: number }) => void): void;
  close(): void;
}

export interface ProbeTarget {
  readonly nodeId: NodeId;
  readonly meshKey: Hex;
  readonly endpoint: { readonly address: string; readonly port: number };
}

export interface ProberOptions {
  readonly nodeId: NodeId;
  readonly meshPrivateKey: Uint8Array;
  readonly socket: ProbeSocket;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  /** Monotonic, microseconds. */
  readonly nowUs: () => number;
  /** A link came up or died. */
  readonly onTransition: (nodeId: NodeId, alive: boolean) => void;
  /** After each round of questions, which is as often as there is something new to see: one wake of the processor serves both. */
  readonly onRound?: () => void;
}

interface Peer {
  readonly target: ProbeTarget;
  readonly key: ProbeKey;
  readonly monitor: LinkMonitor;
  /** Cookies of questions without an answer yet. */
  readonly pending: Map<Hex, number>;
  /** From when on the time to the next question is counted. */
  askedUs: number;
  repliesThisSecond: number;
}

export interface Prober {
  setTargets(targets: readonly ProbeTarget[]): void;
  links(): LinkAd["links"];
  /** Whether enough was seen of the link to this node to judge it; true for nodes that are not probed. */
  settled(nodeId: NodeId): boolean;
  run(signal: AbortSignal): Promise<void>;
}

export function createProber(options: ProberOptions): Prober {
  const { nodeId, socket, clock, entropy, nowUs } = options;
  const peers = new Map<NodeId, Peer>();
  let second = 0;
  const rest = sleeper(clock);

  const ask = (peer: Peer, restMs = 0): void => {
    const now = nowUs();
    peer.askedUs = now + 1000 * restMs;
    const cookie = bytesToHex(entropy.randomBytes(8));
    peer.pending.set(cookie, now);
    socket.send(encodeProbe({ kind: "question", from: nodeId, to: peer.target.nodeId, cookie }, peer.key), peer.target.endpoint);
  };
  socket.onMessage((bytes, from) => {
    const packet = decodeProbe(Buffer.from(bytes), (id) => peers.get(id)?.key);
    const peer = packet === undefined ? undefined : peers.get(packet.from);
    if (packet === undefined || peer === undefined || packet.to !== nodeId) return;
    if (packet.kind === "question") {
      peer.repliesThisSecond += 1;
      if (peer.repliesThisSecond > L.repliesPerSecondPerPeer) return;
      socket.send(encodeProbe({ kind: "answer", from: nodeId, to: packet.from, cookie: packet.cookie }, peer.key), from);
      // Both ends are awake: what we want to know of the link is asked along, and our own next turn comes after theirs.
      if (isQuiet(peer) && isDue(peer, nowUs(), intervalMsOf(peers.size))) ask(peer, L.alongMs);
      return;
    }
    const sentUs = peer.pending.get(packet.cookie);
    if (sentUs === undefined) return;
    peer.pending.delete(packet.cookie);
    // Questions from before the link came back are not lost on the link as it is now.
    if (!peer.monitor.alive) peer.pending.clear();
    settle(options, peer, () => peer.monitor.answered(nowUs() - sentUs));
    if (!watched(peers.values())) rest.end();
  });

  /** Resolves with the ms that it may have taken. Steady links that all answered are looked at no more until they are due. */
  const pause = async (intervalMs: number, signal: AbortSignal): Promise<number> => {
    const watching = watched(peers.values());
    if (watching && (await rest.sleep(intervalMs, signal))) return intervalMs;
    const restMs = untilDueMs(peers.values(), nowUs(), intervalMs);
    if (!signal.aborted) await rest.sleep(restMs, signal);
    return restMs + (watching ? intervalMs : 0);
  };

  return {
    setTargets: (targets) => {
      const wanted = new Map(targets.slice(0, L.maxLinks).map((target) => [target.nodeId, target]));
      for (const [id, peer] of peers) if (!sameTarget(wanted.get(id), peer.target)) peers.delete(id);
      const before = peers.size;
      for (const [id, target] of wanted) if (!peers.has(id)) addPeer(options, peers, target);
      if (peers.size > before) rest.end();
    },
    links: () => linksOf(peers.values()),
    settled: (id) => peers.get(id)?.monitor.settled ?? true,
    run: async (signal) => {
      let lastRoundUs = nowUs();
      let pauseMs = 0;
      while (!signal.aborted) {
        const intervalMs = intervalMsOf(peers.size);
        // When this process itself was held up, answers may lie unread: no link is to blame for what we did not look at.
        if (nowUs() - lastRoundUs > 1_000 * (pauseMs + intervalMs)) for (const peer of peers.values()) peer.pending.clear();
        lastRoundUs = nowUs();
        const nowSecond = Math.floor(clock.nowMs() / 1000);
        if (nowSecond !== second) for (const peer of peers.values()) peer.repliesThisSecond = 0;
        second = nowSecond;
        for (const peer of peers.values()) {
          expire(options, peer);
          if (isDue(peer, lastRoundUs, intervalMs)) ask(peer);
        }
        options.onRound?.();
        pauseMs = await pause(intervalMs, signal);
      }
    },
  };
}

const intervalMsOf = (links: number): number => Math.max(L.intervalMs, (1000 * links) / L.budgetPerSecond);

function settle({ onTransition }: ProberOptions, { monitor, target }: Peer, change: () => void): void {
  const before = monitor.alive;
  change();
  if (monitor.alive !== before) onTransition(target.nodeId, monitor.alive);
}

/** Questions that were not answered in time are lost. */
function expire(options: ProberOptions, peer: Peer): void {
  const [nowUs, patienceUs] = [options.nowUs(), timeoutUs(peer.monitor)];
  for (const [cookie, sentUs] of peer.pending) {
    if (nowUs - sentUs < patienceUs) continue;
    peer.pending.delete(cookie);
    settle(options, peer, () => peer.monitor.lost());
  }
}

interface Sleeper {
  /** Whether it slept to the end. */
  sleep(delayMs: number, signal: AbortSignal): Promise<boolean>;
  /** Ends the sleep, if there is one: there is news. */
  end(): void;
}

/** Made once: an abort without a reason makes an exception with a stack each time, which was a tenth of a round's work. */
const NEWS = new Error("news");

function sleeper(clock: Clock): Sleeper {
  let stop = new AbortController();
  return {
    sleep: async (delayMs, signal) => {
      stop = new AbortController();
      await clock.sleep(delayMs, AbortSignal.any([signal, stop.signal])).catch(() => undefined);
      return !signal.aborted && !stop.signal.aborted;
    },
    end: () => stop.abort(NEWS),
  };
}

function linksOf(peers: Iterable<Peer>): LinkAd["links"] {
  return [...peers]
    .filter((peer) => peer.monitor.alive)
    .map(({ target, monitor }) => ({ to: target.nodeId, delayUs: monitor.delayUs, lossPermille: monitor.lossPermille }))
    .toSorted((a, b) => a.to - b.to);
}

/** A living link's answer is late after four times its usual delay: death is found early. */
function timeoutUs(monitor: LinkMonitor): number {
  if (!monitor.alive) return L.timeoutMs * 1000;
  return Math.min(L.timeoutMs * 1000, Math.max(L.patienceMs * 1000, 4 * monitor.delayUs));
}

const isQuiet = ({ monitor, pending }: Peer): boolean => monitor.silent || (monitor.steady && pending.size === 0);

/**
 * Steady links are asked early rather than late: whoever is awake anyway asks all that the next half of their interval would
 * bring, so that after some rounds all links are asked in one wake of the processor.
 */
function isDue(peer: Peer, nowUs: number, intervalMs: number): boolean {
  const waitMs = isQuiet(peer) ? Math.max(L.steadyIntervalMs, intervalMs) : intervalMs;
  return nowUs - peer.askedUs >= 500 * waitMs;
}

/** A short round comes next when a link may be in trouble: to see which questions were not answered, and to ask again soon. */
function watched(peers: Iterable<Peer>): boolean {
  for (const { monitor, pending } of peers) if (!monitor.silent && (pending.size > 0 || !monitor.steady)) return true;
  return false;
}

/** All is steady: nothing to do until the first link is to be asked again. */
function untilDueMs(peers: Iterable<Peer>, nowUs: number, intervalMs: number): number {
  const waitMs = Math.max(L.steadyIntervalMs, intervalMs);
  let restMs = waitMs;
  for (const { askedUs } of peers) restMs = Math.min(restMs, waitMs - (nowUs - askedUs) / 1_000);
  return Math.max(0, Math.ceil(restMs));
}

const sameTarget = (a: ProbeTarget | undefined, b: ProbeTarget): boolean =>
  a !== undefined && a.meshKey === b.meshKey && a.endpoint.address === b.endpoint.address && a.endpoint.port === b.endpoint.port;

function addPeer({ meshPrivateKey, logger }: ProberOptions, peers: Map<NodeId, Peer>, target: ProbeTarget): void {
  try {
    const key = probeKey(meshPrivateKey, target.meshKey);
    peers.set(target.nodeId, { target, key, monitor: linkMonitor(), pending: new Map(), askedUs: Number.NEGATIVE_INFINITY, repliesThisSecond: 0 });
  } catch (error) {
    logger.warn("a node's mesh key is unusable", { nodeId: target.nodeId, error });
  }
}
