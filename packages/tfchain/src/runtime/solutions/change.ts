/** Changes of a solution by k of n: proposed, signed by weight, accepted at the threshold. */
import type { CidText, TwinId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Solution } from "../../types/entities.ts";
import type { CallContext } from "../context.ts";
import { actingTwin } from "../twins/store.ts";
import { cancelSolution } from "./cancel.ts";
import { purses, readPurse, solutions, totalWeight } from "./store.ts";

type Pending = NonNullable<Solution["pending"]>;
export interface Change {
  readonly version: number;
  readonly document: CidText | null;
  readonly budgetPerHourUnits: bigint;
}

/** Weight that the pending change needs. */
function needed(solution: Solution, change: Pick<Change, "document">): number {
  const { thresholds, version } = solution;
  if (change.document === null) return thresholds.delete;
  return version === 0 ? thresholds.provision : thresholds.amend;
}

const isSigner = (solution: Solution, twinId: TwinId): boolean => solution.signers.some((signer) => signer.twinId === twinId);

/** @throws GridError solutions.not_a_signer */
export function requireSigner(context: CallContext, solution: Solution): TwinId {
  const { id } = actingTwin(context);
  if (isSigner(solution, id)) return id;
  throw runtimeErrors.fail("solutions.not_a_signer", {
    message: `Twin ${id} is not among the signers of solution ${solution.id}.`,
    details: { solutionId: solution.id, twinId: id },
  });
}

/**
 * The owner or a signer proposes; a signer's own proposal carries his signature. The newest proposal replaces the one before
 * (or nobody could get rid of a bad one), and signatures count for exactly one content, so nothing unsigned slips in.
 * Proposing what is pending already is signing it.
 */
export function propose(context: CallContext, solution: Solution, change: Change): void {
  const { id } = actingTwin(context);
  if (id !== solution.twinId) requireSigner(context, solution);
  if (change.version !== solution.version + 1) throw stale(solution, change);
  const { pending } = solution;
  const known =
    pending !== null && pending.document === change.document && pending.budgetPerHourUnits === change.budgetPerHourUnits
      ? pending
      : undefined;
  if (known !== undefined && isSigner(solution, id)) {
    sign(context, solution, known);
    return;
  }
  const fresh: Pending = { ...change, signedBy: [] };
  const next: Solution = { ...solution, pending: fresh };
  solutions.put(context.state, solution.id, next);
  const { version, state } = next;
  const message = change.document === null ? "Deletion is proposed." : `Version ${change.version} is proposed.`;
  context.emit({ type: "solutions.state", solutionId: solution.id, version, state, code: "solutions.change_proposed", message });
  if (isSigner(solution, id)) sign(context, next, fresh);
}

/** @throws GridError solutions.nothing_pending, solutions.stale_version, solutions.already_signed */
export function signPending(context: CallContext, solution: Solution, wanted: Pick<Change, "version" | "document">): void {
  requireSigner(context, solution);
  const { pending } = solution;
  if (pending === null)
    throw runtimeErrors.fail("solutions.nothing_pending", { details: { solutionId: solution.id, version: solution.version } });
  if (pending.version !== wanted.version || pending.document !== wanted.document) throw stale(solution, wanted);
  sign(context, solution, pending);
}

/** Adds the signature of the one who acts, and carries the change out when the threshold is reached. */
export function sign(context: CallContext, solution: Solution, pending: Pending): void {
  const { state, emit } = context;
  const twinId = requireSigner(context, solution);
  if (pending.signedBy.includes(twinId)) {
    throw runtimeErrors.fail("solutions.already_signed", { details: { solutionId: solution.id, twinId, version: pending.version } });
  }
  const signed: Pending = { ...pending, signedBy: [...pending.signedBy, twinId] };
  const weight = totalWeight(solution, signed.signedBy);
  const need = needed(solution, pending);
  const next: Solution = { ...solution, pending: signed };
  solutions.put(state, solution.id, next);
  emit({ type: "solutions.signed", solutionId: solution.id, twinId, version: pending.version, weight, needed: need });
  if (weight < need) return;
  if (signed.document === null) cancelSolution(context, next, "solution_cancelled");
  else accept(context, next, { ...signed, document: signed.document });
}

function accept({ state, emit }: CallContext, solution: Solution, change: Change & { readonly document: CidText }): void {
  const { version, document, budgetPerHourUnits } = change;
  // A new version does not bring money: a paused solution goes on as `accepted` once it is paid.
  const paused = solution.state === "paused";
  if (paused) purses.put(state, solution.id, { ...readPurse(state, solution.id), resumeState: "accepted" });
  const lifeState = paused ? "paused" : "accepted";
  solutions.put(state, solution.id, { ...solution, version, document, budgetPerHourUnits, pending: null, state: lifeState, note: null });
  emit({ type: "solutions.accepted", solutionId: solution.id, agentTwinId: solution.agentTwinId, version, document });
}

function stale(solution: Solution, wanted: Pick<Change, "version" | "document">): ReturnType<typeof runtimeErrors.fail> {
  const { pending } = solution;
  const expected = pending?.version ?? solution.version + 1;
  return runtimeErrors.fail("solutions.stale_version", {
    message: `Solution ${solution.id} waits for version ${expected}${pending === null ? "" : ` (${pending.document ?? "deletion"})`}, the call names version ${wanted.version} (${wanted.document ?? "deletion"}).`,
    details: { solutionId: solution.id, version: solution.version, expectedVersion: expected, pendingDocument: pending?.document ?? null },
  });
}
