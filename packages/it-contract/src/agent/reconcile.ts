/** One look at one solution: read, decide, act once. Level-triggered and idempotent: run again, it does nothing more. */
import { documents, type NotaryClient } from "@tfgrid/notary";
import { type Clock, type GridError, isGridError, type Logger, type NodeId, type SolutionId } from "@tfgrid/primitives";
import type { Call, Solution } from "@tfgrid/tfchain";
import { fail } from "../errors.ts";
import { currentNames, currentParts } from "../plan/current.ts";
import { plan as makePlan } from "../plan/plan.ts";
import type { Plan } from "../plan/types.ts";
import { batchFor, type Write } from "./calls.ts";
import type { Renderer } from "./instructions.ts";
import { judge, observe } from "./progress.ts";
import { openSecrets } from "./sealing.ts";
import { readSnapshot, readSolution, type Snapshot, type Sources } from "./snapshot.ts";
import { sameStatus, type Status, statusOf, statusOfError } from "./status.ts";

export interface ReconcileContext extends Sources {
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Outcome {
  /** Look again after so long even if nothing is heard. */
  readonly againInMs?: number;
  /** Nodes whose changes concern this solution; `any`: it waits for capacity, so all do. */
  readonly nodes: ReadonlySet<NodeId> | "any";
  /** The solution could not be carried out as it is: try again, later and later. */
  readonly failed: boolean;
}

const NOTHING: Outcome = { nodes: new Set(), failed: false };

export async function reconcile(context: ReconcileContext, id: SolutionId, signal: AbortSignal): Promise<Outcome> {
  const solution = await readSolution(context, id);
  // A paused solution has no money: the ledger resumes it when a deposit comes.
  if (solution === undefined || solution.state === "paused") return NOTHING;
  try {
    const snapshot = await readSnapshot(context, solution, signal);
    return await carryOut(context, snapshot, signal);
  } catch (error) {
    if (!isGridError(error) || signal.aborted) throw error;
    await announceError(context, solution, error, signal);
    throw error;
  }
}

async function carryOut(context: ReconcileContext, snapshot: Snapshot, signal: AbortSignal): Promise<Outcome> {
  const { solution, document, ledger } = snapshot;
  const renderer: Renderer = {
    chainId: ledger.chainId,
    solutionId: solution.id,
    document,
    secrets: openSecrets(document, context.keyPair),
    keyPair: context.keyPair,
    nodeKeys: snapshot.nodeKeys,
  };
  const observed = observe(snapshot, context.clock.nowMs());
  const judged = judge(snapshot, renderer, observed);
  const plan = planned(snapshot, judged.progress);
  const batch = batchFor(plan, renderer, snapshot.parts);
  const next = statusOf({ snapshot, plan, observed, rolledBack: judged.progress.rolledBack, changing: batch.calls.length > 0 });
  const statusCalls = sameStatus(solution, next) ? [] : [setState(solution, next)];
  if (batch.writes.length > 0) await store(context, snapshot, batch.writes);
  signal.throwIfAborted();
  const calls = [...batch.calls, ...statusCalls];
  if (calls.length > 0) {
    context.logger.info("acting", { solutionId: solution.id, calls: calls.map((call) => call.type), state: next.state, code: next.code });
    await context.chain.submit(context.keyPair, calls, { signal });
    context.ledger.invalidate();
  }
  const waits = plan.shortfalls.length > 0;
  return {
    nodes: waits ? "any" : new Set([...plan.parts.map((part) => part.nodeId), ...plan.names.map((name) => name.gatewayNodeId)]),
    failed: waits && calls.length === 0,
    ...(plan.updating && judged.againInMs !== undefined ? { againInMs: judged.againInMs } : {}),
  };
}

/** @throws GridError it_contract.no_capacity, over_budget, no_gateway, too_many_parts */
function planned(snapshot: Snapshot, progress: Parameters<typeof makePlan>[0]["progress"] & object): Plan {
  const { document, ledger, solution } = snapshot;
  const result = makePlan({
    document: { ...document, budgetPerHourUnits: solution.budgetPerHourUnits },
    nodes: ledger.nodes,
    farms: ledger.farms,
    pricing: ledger.pricing,
    rents: ledger.rents,
    reputation: snapshot.reputation,
    ownerTwinId: solution.twinId,
    current: { parts: currentParts(snapshot.parts), names: currentNames(snapshot.names) },
    progress,
  });
  if (result.ok) return result.plan;
  const [first] = result.problems;
  throw fail(first?.code ?? "it_contract.no_capacity", { message: result.problems.map((problem) => problem.message).join(" ") });
}

function setState(solution: Solution, next: Status): Call {
  return { type: "solutions.set_state", solutionId: solution.id, version: solution.version, ...next };
}

async function store(context: ReconcileContext, snapshot: Snapshot, writes: readonly Write[]): Promise<void> {
  const twins = new Map(snapshot.ledger.nodes.map((node) => [node.id, node.twinId]));
  const notary: NotaryClient = context.notary;
  await Promise.all(
    writes.map(({ instruction }) => {
      const reader = twins.get(instruction.nodeId);
      return notary.put({
        schema: documents.instruction,
        value: instruction,
        signer: context.keyPair,
        twinId: context.twinId,
        readers: reader === undefined ? [] : [reader],
      });
    }),
  );
}

/** Codes that say that somebody else acted first: nothing to tell, only to look again. */
const OVERTAKEN = new Set(["solutions.stale_version", "solutions.cancelled", "solutions.paused", "solutions.agent_only", "solutions.not_accepted", "solutions.not_found"]);

/** Why it does not go on is visible on the ledger. A failure to say so must not hide the failure itself. */
async function announceError(context: ReconcileContext, solution: Solution, error: GridError, signal: AbortSignal): Promise<void> {
  const next = statusOfError(error, solution);
  if (OVERTAKEN.has(error.code) || sameStatus(solution, next)) return;
  try {
    await context.chain.submit(context.keyPair, [setState(solution, next)], { signal });
  } catch (failure) {
    context.logger.warn("cannot announce the failure", { solutionId: solution.id, code: error.code, failure });
  }
}
