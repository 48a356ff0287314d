/**
 * The path of each pair of nodes in each network. The end with the smaller id decides (one mind, no disagreement), asks
 * the forwarders along the path, then tells the other end. WireGuard follows the sender's address besides, so even a
 * lost word does not stop traffic.
 */
import { type Clock, type Logger, messageOf, type NodeId, type SolutionId } from "@tfgrid/primitives";
import { choosePath, type PathState } from "../core/choose-path.ts";
import type { Graph } from "../core/link-state.ts";
import { pathCost, shortestPaths } from "../core/shortest-path.ts";
import { fail } from "../errors.ts";
import { PATH_LIMITS as L } from "../limits.ts";
import type { Endpoint } from "./desired.ts";
import type { NetworkMemory } from "./memory.ts";
import { forwardMethod, pathMethod, type PeerMessenger } from "./messages.ts";
import { type ChainView, endpointOf, nodeOfTwin, takesPart } from "./view.ts";

export interface PairId {
  readonly solutionId: SolutionId;
  readonly network: string;
  readonly peer: NodeId;
}

interface Pair extends PairId {
  state?: PathState;
  /** Nodes of the path in force, set up along its way. */
  established: readonly NodeId[];
  endpoint: Endpoint | undefined;
  renewAtMs: number;
  /** Not before: the last attempt at these nodes failed. */
  retryAtMs: number;
  failedAt: string;
  /** The other end has been told of this endpoint (or that the way is direct). */
  told: boolean;
  busy: boolean;
}

export interface PathStatus extends PairId {
  /** From this node to the peer; empty when the other end decides and has said nothing yet. */
  readonly path: readonly NodeId[];
  readonly delayUs: number | undefined;
  readonly bestPath: readonly NodeId[];
  readonly bestDelayUs: number | undefined;
}

export interface PathServiceOptions {
  readonly nodeId: NodeId;
  readonly messenger: PeerMessenger;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly view: () => Promise<ChainView>;
  readonly onChange: () => void;
  /** Whether enough is known of the direct link to judge it. */
  readonly settled: (peer: NodeId) => boolean;
  /** Paths in force when the agent ended. */
  readonly remembered: NetworkMemory["paths"];
}

export interface PathService {
  /** To be remembered. */
  paths(): NetworkMemory["paths"];
  setPairs(pairs: readonly PairId[]): void;
  /** Chooses for every pair that is ours to decide; sets up in the background. */
  choose(graph: Graph, view: ChainView): void;
  endpointFor(pair: PairId): Endpoint | undefined;
  status(graph: Graph): readonly PathStatus[];
  stop(): void;
}

const idOf = (pair: PairId): string => `${pair.solutionId} ${pair.network} ${pair.peer}`;

export function pathService(options: PathServiceOptions): PathService {
  const { nodeId: self, clock } = options;
  const pairs = new Map<string, Pair>();
  const known = new Map(options.remembered.map((path) => [idOf(path), path]));
  const unhandle = options.messenger.handle(pathMethod, async ({ from, body }) => {
    const view = await options.view();
    const sender = nodeOfTwin(view, from)?.id;
    const solution = view.solutions.get(body.solutionId);
    const pair = sender === undefined ? undefined : pairs.get(idOf({ ...body, peer: sender }));
    if (sender === undefined || solution === undefined || sender > self || !takesPart(solution, sender, body.network))
      throw fail("network.message_refused", { details: { from } });
    if (pair === undefined) throw fail("network.unknown_network", { details: { network: body.network } });
    const address = body.via === null ? undefined : endpointOf(view.nodes.get(body.via.nodeId))?.address;
    const endpoint = body.via === null || address === undefined ? undefined : { address, port: body.via.port };
    const established = body.via === null ? [self, sender] : [self, body.via.nodeId, sender];
    // Most words only renew what is in force.
    const changed = established.join() !== pair.established.join() || endpoint?.address !== pair.endpoint?.address || endpoint?.port !== pair.endpoint?.port;
    Object.assign(pair, { endpoint, established });
    if (changed) options.onChange();
    return {};
  });

  const choose = (pair: Pair, graph: Graph, best: ReturnType<typeof shortestPaths>, view: ChainView): void => {
    const nowMs = clock.nowMs();
    const currentCostUs = pair.state === undefined ? undefined : pathCost(graph, pair.state.nodes);
    // Just started: nobody leaves a way that works because the others have not answered yet.
    if (!options.settled(pair.peer)) return;
    const { state } = choosePath(pair.state, { best: best.get(pair.peer), currentCostUs, nowMs });
    if (state === undefined) delete pair.state;
    else pair.state = state;
    // Without any known path the direct one is tried: it may work although probes do not.
    const wanted = state?.nodes ?? [self, pair.peer];
    const same = wanted.join() === pair.established.join();
    if (pair.busy || (same && nowMs < pair.renewAtMs && pair.told)) return;
    if (nowMs < pair.retryAtMs && wanted.join() === pair.failedAt) return;
    pair.busy = true;
    void establish(options, pair, wanted, view).finally(() => (pair.busy = false));
  };

  return {
    setPairs: (wanted) => {
      const keep = new Map(wanted.map((pair) => [idOf(pair), pair]));
      for (const id of pairs.keys()) if (!keep.has(id)) pairs.delete(id);
      for (const [id, pair] of keep) {
        if (pairs.has(id)) continue;
        pairs.set(id, newPair(pair, self, known.get(id)));
        known.delete(id);
      }
    },
    choose: (graph, view) => {
      if (![...pairs.values()].some((pair) => self < pair.peer)) return;
      const best = shortestPaths(graph, self);
      for (const pair of pairs.values()) if (self < pair.peer) choose(pair, graph, best, view);
    },
    endpointFor: (pair) => pairs.get(idOf(pair))?.endpoint,
    paths: () =>
      [...pairs.values()]
        .filter(({ established }) => established.length > 2)
        .map(({ solutionId, network, peer, established, endpoint }) => ({ solutionId, network, peer, nodes: established, endpoint: endpoint ?? null })),
    status: (graph) => {
      const best = shortestPaths(graph, self);
      return [...pairs.values()].map(({ solutionId, network, peer, established }) => ({
        solutionId,
        network,
        peer,
        path: established,
        delayUs: pathCost(graph, established),
        bestPath: best.get(peer)?.nodes ?? [],
        bestDelayUs: best.get(peer)?.costUs,
      }));
    },
    stop: unhandle,
  };
}

function newPair(pair: PairId, self: NodeId, known: NetworkMemory["paths"][number] | undefined): Pair {
  const established = known?.nodes ?? [self, pair.peer];
  // A path that the other end chose is not ours to have a state of.
  const state = known === undefined || self > pair.peer ? {} : { state: { nodes: known.nodes } };
  return { ...pair, ...state, established, endpoint: known?.endpoint ?? undefined, renewAtMs: 0, retryAtMs: 0, failedAt: "", told: true, busy: false };
}

/** Make before break: the old way stays until the new one is set up; if that fails, it is tried again in the next round. */
async function establish(options: PathServiceOptions, pair: Pair, nodes: readonly NodeId[], view: ChainView): Promise<void> {
  const { clock, logger } = options;
  try {
    const ports = await askForwarders(options, pair, nodes, view);
    const first = ports[0];
    const endpoint = first === undefined ? undefined : { address: endpointOf(view.nodes.get(nodes[1] as NodeId))?.address as string, port: first };
    const changed = nodes.join() !== pair.established.join() || endpoint?.port !== pair.endpoint?.port;
    pair.established = nodes;
    pair.endpoint = endpoint;
    pair.renewAtMs = clock.nowMs() + L.forwardRenewMs;
    if (changed) {
      pair.told = false;
      options.onChange();
    }
    if (!pair.told || ports.length > 0) await tellPeer(options, pair, { nodes, ports, view });
    pair.told = true;
  } catch (error) {
    logger.info("a path could not be set up yet", { peer: pair.peer, path: nodes.join("-"), reason: messageOf(error) });
    // A direct way needs nobody's help: better than a dead one.
    if (pair.established.length > 2 && nodes.length === 2) pair.established = nodes;
    pair.retryAtMs = clock.nowMs() + L.retryMs;
    pair.failedAt = nodes.join();
  }
}

/** Two rounds where forwarders are neighbours of each other: the second tells each the other's port. */
async function askForwarders(options: PathServiceOptions, pair: Pair, nodes: readonly NodeId[], view: ChainView): Promise<number[]> {
  const forwarders = nodes.slice(1, -1);
  let ports: number[] = [];
  for (let round = 0; round < Math.min(2, forwarders.length); round += 1) {
    const known = ports;
    const side = (index: number): { nodeId: NodeId; port?: number } => {
      const port = index === 0 || index === nodes.length - 1 ? undefined : known[index - 1];
      return { nodeId: nodes[index] as NodeId, ...(port === undefined ? {} : { port }) };
    };
    ports = await Promise.all(
      forwarders.map(async (nodeId, index) => {
        const node = view.nodes.get(nodeId);
        if (node === undefined) throw fail("network.forward_refused", { details: { nodeId } });
        const { solutionId, network, peer } = pair;
        const body = { solutionId, network, a: options.nodeId, b: peer, previous: side(index), next: side(index + 2) };
        const answer = await options.messenger.request({ to: node.twinId, method: forwardMethod, body, timeoutMs: L.requestTimeoutMs });
        return answer.port;
      }),
    );
  }
  return ports;
}

async function tellPeer(
  options: PathServiceOptions,
  pair: Pair,
  { nodes, ports, view }: { readonly nodes: readonly NodeId[]; readonly ports: readonly number[]; readonly view: ChainView },
): Promise<void> {
  const node = view.nodes.get(pair.peer);
  if (node === undefined) return;
  const last = ports.at(-1);
  const via = last === undefined ? null : { nodeId: nodes.at(-2) as NodeId, port: last };
  const body = { solutionId: pair.solutionId, network: pair.network, via };
  await options.messenger.request({ to: node.twinId, method: pathMethod, body, timeoutMs: L.requestTimeoutMs });
}
