/** The smart contract agent: a bot that carries out the solutions that name its twin. It holds no state but caches. */
import type { NotaryClient } from "@tfgrid/notary";
import { type CidText, type Clock, type Height, type KeyPair, type Logger, messageOf, type NodeId, type SolutionId, type TwinId } from "@tfgrid/primitives";
import { type ChainClient, type ChainEvent, pagesOf } from "@tfgrid/tfchain";
import { AGENT_LIMITS } from "../limits.ts";
import { openLedger } from "./ledger.ts";
import { openQueue, type Queue } from "./queue.ts";
import { type Outcome, reconcile, type ReconcileContext } from "./reconcile.ts";

export interface AgentOptions {
  readonly chain: ChainClient;
  readonly notary: NotaryClient;
  readonly keyPair: KeyPair;
  readonly twinId: TwinId;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the agent; the same as `stop()`. */
  readonly signal?: AbortSignal;
  readonly resyncMs?: number;
}

export interface Agent {
  readonly endpoints: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

interface Watch {
  readonly context: ReconcileContext;
  readonly queue: Queue<SolutionId>;
  /** Which nodes concern which solution: a cache that the resync makes good. */
  readonly interest: Map<SolutionId, Outcome["nodes"]>;
  readonly signal: AbortSignal;
}

/** Resolves when the first look at all solutions has been queued. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { chain, clock, logger } = options;
  const stopping = new AbortController();
  const signal = options.signal === undefined ? stopping.signal : AbortSignal.any([stopping.signal, options.signal]);
  const context: ReconcileContext = {
    chain,
    clock,
    logger,
    notary: options.notary,
    keyPair: options.keyPair,
    twinId: options.twinId,
    ledger: openLedger(chain, clock),
    documents: new Map<CidText, Promise<unknown>>(),
  };
  // Taken before the first look, so that nothing falls between that look and the first event.
  const from = ((await chain.head()).height + 1) as Height;
  const interest: Watch["interest"] = new Map();
  const run = async (id: SolutionId, runSignal: AbortSignal): Promise<Outcome> => {
    try {
      const outcome = await reconcile(context, id, runSignal);
      interest.set(id, outcome.nodes);
      return outcome;
    } catch (error) {
      // Until it is known what it needs, every change may be its cure.
      interest.set(id, "any");
      throw error;
    }
  };
  const queue = openQueue<SolutionId>({ run, clock, logger, signal });
  const watch: Watch = { context, queue, interest, signal };
  const loops = [follow(watch, from), resync(watch, options.resyncMs ?? AGENT_LIMITS.resyncMs)];
  return {
    endpoints: {},
    stop: async () => {
      stopping.abort(new Error("the agent stops"));
      await Promise.all(loops);
      await queue.drained();
    },
  };
}

/** Events are hints: they say where to look, the state says what to do. */
async function follow(watch: Watch, start: Height): Promise<void> {
  const { context, signal } = watch;
  let from = start;
  while (!signal.aborted) {
    try {
      for await (const block of context.chain.follow({ from, signal })) {
        from = (block.height + 1) as Height;
        for (const event of block.events) hint(watch, event);
      }
    } catch (error) {
      if (!signal.aborted) context.logger.warn("the event stream broke; looking by time until it is back", { error: messageOf(error) });
    }
    await pause(watch, AGENT_LIMITS.followRetryMs);
  }
}

async function resync(watch: Watch, everyMs: number): Promise<void> {
  const { context, signal, queue } = watch;
  while (!signal.aborted) {
    let waitMs = everyMs;
    try {
      for await (const id of solutionIds(context)) queue.add(id);
    } catch (error) {
      waitMs = AGENT_LIMITS.followRetryMs;
      if (!signal.aborted) context.logger.warn("cannot list solutions; trying again", { error: messageOf(error) });
    }
    await pause(watch, waitMs);
  }
}

async function* solutionIds({ chain, twinId: agentTwinId }: ReconcileContext): AsyncGenerator<SolutionId> {
  for await (const solutions of pagesOf((page) => chain.solutions({ ...page, agentTwinId }))) {
    for (const { id, state, version } of solutions) if (state !== "cancelled" && version > 0) yield id;
  }
}

async function pause(watch: Watch, delayMs: number): Promise<void> {
  try {
    await watch.context.clock.sleep(delayMs, watch.signal);
  } catch (error) {
    if (!watch.signal.aborted) throw error;
  }
}

function hint(watch: Watch, event: ChainEvent): void {
  const { context, queue } = watch;
  if (event.type.startsWith("nodes.") || event.type.startsWith("contracts.") || event.type.startsWith("farms.")) context.ledger.invalidate();
  if ("solutionId" in event && event.solutionId !== null) {
    // Only ours: a stranger's solution would cost a read per event.
    const ours = watch.interest.has(event.solutionId) || event.type === "solutions.accepted";
    if (event.type === "solutions.cancelled") watch.interest.delete(event.solutionId);
    else if (ours) queue.add(event.solutionId, AGENT_LIMITS.debounceMs);
  }
  const nodeId = "nodeId" in event ? event.nodeId : undefined;
  if (event.type.startsWith("nodes.")) wakeByNode(watch, nodeId);
  // Room was freed: whoever waits for capacity looks again.
  if (event.type === "contracts.deleted") wakeByNode(watch, undefined);
}

function wakeByNode({ queue, interest }: Watch, nodeId: NodeId | undefined): void {
  for (const [id, nodes] of interest) if (nodes === "any" || (nodeId !== undefined && nodes.has(nodeId))) queue.add(id, AGENT_LIMITS.debounceMs);
}
