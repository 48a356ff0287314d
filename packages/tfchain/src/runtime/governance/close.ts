/** The end of a vote, of a time lock, or of a proposal that was vetoed. */
import { GridError } from "@tfgrid/primitives";
import type { Proposal, ProposalId } from "../../types/governance.ts";
import { credit, debitHeld, release } from "../accounts/store.ts";
import type { Context } from "../context.ts";
import { deadlineFrom, effectiveMs } from "../nodes/standstill.ts";
import { readConstitution } from "../params/store.ts";
import { readPolicy } from "../policy/store.ts";
import { moveDue } from "../store/due.ts";
import { overlay } from "../store/overlay.ts";
import { requireTwin } from "../twins/store.ts";
import { carryOutChange } from "./changes.ts";
import { validatorsChanged } from "../validators/change.ts";
import { FULL_POWER } from "./power.ts";
import { openCell, proposalDeadlines, proposals, requireProposal } from "./store.ts";

/** The due queue asks: the vote is over, or the time lock is. */
export function dueProposal(context: Context, id: ProposalId): void {
  const row = requireProposal(context.state, id);
  if (putOff(context, row)) return;
  if (row.state === "voting") closeVote(context, row);
  else if (row.state === "passed") execute(context, row);
  else throw new Error(`proposal ${id} is due but ${row.state}`);
}

/** While the chain stood still nobody could vote or veto: that time is given back. */
function putOff({ state, block }: Context, row: Proposal): boolean {
  const deadline = proposalDeadlines.get(state, row.id);
  const field = row.state === "voting" ? "endsAtMs" : "executesAtMs";
  const untilMs = deadline === undefined ? row[field] : effectiveMs(state, deadline);
  if (block.timeMs >= untilMs) return false;
  moveDue(state, { kind: "proposal", id: row.id, from: row[field], to: untilMs });
  proposals.put(state, row.id, { ...row, [field]: untilMs });
  proposalDeadlines.put(state, row.id, deadlineFrom(state, untilMs));
  return true;
}

/** Percent of both sides' power together. */
const atLeast = (power: number, percent: number): boolean => power * 100 >= percent * 2 * FULL_POWER;

function closeVote(context: Context, row: Proposal): void {
  const { state, block, emit } = context;
  const { quorumPercent, minVoters, timeLockMs } = readPolicy(state).governance;
  const quorum = atLeast(row.ayes + row.nays, quorumPercent);
  const passed = quorum && row.ayes > row.nays && row.ayeVoters >= minVoters;
  returnDeposit(context, row, quorum);
  const executesAtMs = passed ? block.timeMs + timeLockMs : 0;
  moveDue(state, { kind: "proposal", id: row.id, from: row.endsAtMs, to: executesAtMs });
  const next: Proposal = { ...row, depositUnits: 0n, executesAtMs, state: passed ? "passed" : "rejected" };
  proposals.put(state, row.id, next);
  if (passed) proposalDeadlines.put(state, row.id, deadlineFrom(state, executesAtMs));
  else proposalDeadlines.delete(state, row.id);
  if (!passed) openCell.put(state, (openCell.get(state) ?? 1) - 1);
  emit({ type: "governance.closed", proposalId: row.id, state: next.state, ayes: row.ayes, nays: row.nays, executesAtMs });
}

/** Lost when nobody cared: asking everybody has a price. */
function returnDeposit({ state }: Context, row: Proposal, quorum: boolean): void {
  // Nothing held means that nothing kept the proposer from closing the twin meanwhile.
  if (row.depositUnits === 0n) return;
  const twin = requireTwin(state, row.proposerTwinId);
  if (quorum) {
    release(state, twin.account, row.depositUnits);
    return;
  }
  debitHeld(state, twin.account, row.depositUnits);
  credit(state, readConstitution(state).validatorsPool, row.depositUnits);
}

function execute(context: Context, row: Proposal): void {
  const { state } = context;
  const attempt = overlay(state);
  let outcome: "executed" | "failed" = "executed";
  try {
    carryOutChange({ ...context, state: attempt }, row.change);
    attempt.commit();
    if (row.change.type === "validators") validatorsChanged(context);
  } catch (error) {
    // Another proposal came first and left this one out of its range: that is an outcome, not an accident.
    if (!(error instanceof GridError) || !error.code.startsWith("governance.")) throw error;
    outcome = "failed";
  }
  end(context, row, outcome);
}

export function closeVetoed(context: Context, row: Proposal): void {
  const { vetoPercent, minVoters } = readPolicy(context.state).governance;
  if (atLeast(row.vetoes, vetoPercent) && row.vetoVoters >= minVoters) end(context, row, "vetoed");
}

function end({ state, emit }: Context, row: Proposal, outcome: "executed" | "failed" | "vetoed"): void {
  moveDue(state, { kind: "proposal", id: row.id, from: row.executesAtMs, to: 0 });
  proposals.put(state, row.id, { ...row, state: outcome });
  proposalDeadlines.delete(state, row.id);
  openCell.put(state, (openCell.get(state) ?? 1) - 1);
  emit({ type: "governance.closed", proposalId: row.id, state: outcome, ayes: row.ayes, nays: row.nays, executesAtMs: row.executesAtMs });
}
