/** This node as a forwarder: who may ask is decided by the chain; leases end unless renewed. */
import type { Clock, NodeId, SolutionId } from "@tfgrid/primitives";
import { fail } from "../errors.ts";
import type { PortRange } from "../linux/names.ts";
import { PATH_LIMITS as L } from "../limits.ts";
import type { Forward } from "../ports.ts";
import type { Endpoint } from "./desired.ts";
import type { NetworkMemory } from "./memory.ts";
import { forwardMethod, type PeerMessenger } from "./messages.ts";
import { type ChainView, endpointOf, type NetworkChain, nodeOfTwin, readSolution, reportedPort, type SolutionView, takesPart } from "./view.ts";

interface Lease {
  readonly port: number;
  readonly forwards: readonly Forward[];
  readonly untilMs: number;
  readonly solutionId: SolutionId;
  readonly network: string;
  readonly a: NodeId;
  readonly b: NodeId;
}

export interface ForwardServiceOptions {
  readonly nodeId: NodeId;
  readonly consent: boolean;
  readonly ports: PortRange;
  readonly messenger: PeerMessenger;
  readonly chain: NetworkChain;
  readonly view: () => Promise<ChainView>;
  readonly clock: Clock;
  readonly apply: (forwards: readonly Forward[]) => Promise<void>;
  /** Granted before the agent restarted: in force in the kernel still. */
  readonly remembered: NetworkMemory["leases"];
  readonly onChange: () => void;
}

export interface ForwardService {
  readonly count: number;
  /** To be remembered. */
  leases(): NetworkMemory["leases"];
  /** Ends leases that nobody renewed or that the chain no longer grants; applies what is left. */
  sweep(): Promise<void>;
  stop(): void;
}

type Request = ReturnType<typeof forwardMethod.request.fromJson>;
type Side = Request["previous"];

export function forwardService(options: ForwardServiceOptions): ForwardService {
  const { chain, clock, messenger } = options;
  const keyOf = (lease: Pick<Lease, "solutionId" | "network" | "a" | "b">): string => [lease.solutionId, lease.network, lease.a, lease.b].join(" ");
  const leases = new Map<string, Lease>(options.remembered.map((lease) => [keyOf(lease), lease]));
  const applyAll = (): Promise<void> => options.apply([...leases.values()].flatMap((lease) => lease.forwards));

  const unhandle = messenger.handle(forwardMethod, async ({ from, body }) => {
    const view = await options.view();
    const solution = await readSolution(chain, body.solutionId);
    if (solution === undefined || !granted(options, { view, solution, body }) || ![body.a, body.b].includes(nodeOfTwin(view, from)?.id as NodeId))
      throw fail("network.forward_refused", { details: { solutionId: body.solutionId, a: body.a, b: body.b } });
    const key = keyOf(body);
    const before = leases.get(key);
    if (before === undefined && leases.size >= L.maxForwards) throw fail("network.ports_exhausted");
    const port = before?.port ?? freePort(options.ports, leases.values());
    const forwards = forwardsBetween({ view, solution, body, port });
    const { solutionId, network, a, b } = body;
    leases.set(key, { solutionId, network, a, b, port, forwards, untilMs: clock.nowMs() + L.forwardLeaseMs });
    options.onChange();
    if (JSON.stringify(before?.forwards) !== JSON.stringify(forwards)) await applyAll();
    return { port };
  });

  return {
    get count() {
      return leases.size;
    },
    leases: () => [...leases.values()].map((lease) => ({ ...lease, forwards: [...lease.forwards] })),
    sweep: async () => {
      const before = leases.size;
      const solutions = new Map<SolutionId, SolutionView | undefined>();
      for (const { solutionId } of leases.values()) if (!solutions.has(solutionId)) solutions.set(solutionId, await readSolution(chain, solutionId));
      for (const [key, lease] of leases) if (lease.untilMs < clock.nowMs() || !stillGranted(solutions.get(lease.solutionId), lease)) leases.delete(key);
      if (leases.size !== before) options.onChange();
      await applyAll();
    },
    stop: unhandle,
  };
}

function stillGranted(solution: SolutionView | undefined, { network, a, b }: Lease): boolean {
  return solution !== undefined && takesPart(solution, a, network) && takesPart(solution, b, network);
}

interface Question {
  readonly view: ChainView;
  readonly solution: SolutionView;
  readonly body: Request;
}

function granted(options: ForwardServiceOptions, { view, solution, body }: Question): boolean {
  const { a, b, previous, next, network } = body;
  const sides = [previous.nodeId, next.nodeId];
  const bothTakePart = takesPart(solution, a, network) && takesPart(solution, b, network);
  // Only towards nodes on the ledger: never a way to make this node send to an address of the asker's choice.
  const known = sides.every((id) => id !== options.nodeId && endpointOf(view.nodes.get(id)) !== undefined);
  return options.consent && a !== b && bothTakePart && known && previous.nodeId !== next.nodeId;
}

/** One port for both directions of the pair. An end's port is what it reported; that of another forwarder comes with the question. */
function forwardsBetween({ view, solution, body, port }: Question & { readonly port: number }): readonly Forward[] {
  const previous = sideEndpoint(view, solution, body, body.previous);
  const next = sideEndpoint(view, solution, body, body.next);
  const one = (from: Partial<Endpoint>, to: Partial<Endpoint>): Forward[] =>
    from.address === undefined || to.address === undefined || to.port === undefined
      ? []
      : [{ listenPort: port, from: { address: from.address }, to: { address: to.address, port: to.port } }];
  return [...one(previous, next), ...one(next, previous)];
}

function sideEndpoint(view: ChainView, solution: SolutionView, body: Request, side: Side): Partial<Endpoint> {
  const isEnd = side.nodeId === body.a || side.nodeId === body.b;
  const port = isEnd ? reportedPort(solution, side.nodeId, body.network) : side.port;
  const address = endpointOf(view.nodes.get(side.nodeId))?.address;
  return { ...(address === undefined ? {} : { address }), ...(port === undefined ? {} : { port }) };
}

function freePort(range: PortRange, leases: Iterable<Lease>): number {
  const taken = new Set([...leases].map((lease) => lease.port));
  for (let port = range.first; port <= range.last; port += 1) if (!taken.has(port)) return port;
  throw fail("network.ports_exhausted", { details: { ports: range.last - range.first + 1 } });
}
