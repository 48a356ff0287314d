import { runtimeErrors } from "../../errors.ts";
import type { Proposal, ProposalId, Vote } from "../../types/governance.ts";
import { readStaked } from "../accounts/stake.ts";
import { creditHeld, debit } from "../accounts/store.ts";
import type { CallContext, CallOf, Handlers } from "../context.ts";
import { MODULE_LIMITS } from "../limits.ts";
import { deadlineFrom } from "../nodes/standstill.ts";
import { nextId } from "../params/store.ts";
import { readPolicy } from "../policy/store.ts";
import { moveDue } from "../store/due.ts";
import { actingTwin } from "../twins/store.ts";
import { checkChange } from "./changes.ts";
import { closeVetoed } from "./close.ts";
import { VOTER_POWER, allStake, powerOf } from "./power.ts";
import { openCell, proposalDeadlines, proposals, requireProposal, vetoes, voteKey, voterKey, voters, votes } from "./store.ts";
import { allFarmWeight } from "./weight.ts";

export const governanceCalls: Handlers<"governance"> = {
  "governance.propose": propose,
  "governance.vote": castVote,
  "governance.veto": castVeto,
};

function propose(context: CallContext, { change, document }: CallOf<"governance.propose">): void {
  const { state, block, emit } = context;
  const twin = actingTwin(context);
  const open = openCell.get(state) ?? 0;
  if (open >= MODULE_LIMITS.openProposals) throw runtimeErrors.fail("governance.too_many", { details: { open, max: MODULE_LIMITS.openProposals } });
  checkChange(context, change);
  const { votingMs, depositUnits } = readPolicy(state).governance;
  debit(state, twin.account, depositUnits);
  creditHeld(state, twin.account, depositUnits);
  const id = nextId<ProposalId>(state, "proposal");
  const endsAtMs = block.timeMs + votingMs;
  const row: Proposal = {
    id,
    proposerTwinId: twin.id,
    change,
    document,
    state: "voting",
    createdAtMs: block.timeMs,
    endsAtMs,
    executesAtMs: 0,
    farmTotal: allFarmWeight(state),
    stakeTotal: allStake(state, readStaked(state)),
    ayes: 0,
    nays: 0,
    ayeVoters: 0,
    vetoes: 0,
    vetoVoters: 0,
    depositUnits,
  };
  proposals.put(state, id, row);
  proposalDeadlines.put(state, id, deadlineFrom(state, endsAtMs));
  openCell.put(state, open + 1);
  moveDue(state, { kind: "proposal", id, from: 0, to: endsAtMs });
  emit({ type: "governance.proposed", proposalId: id, twinId: twin.id, change: change.type, endsAtMs });
}

/** The newest word of a farm or a stake counts; the one before is taken back. */
function castVote(context: CallContext, { proposalId, farmId, approve }: CallOf<"governance.vote">): void {
  const { state, block, emit } = context;
  const row = requireProposal(state, proposalId);
  if (row.state !== "voting" || block.timeMs >= row.endsAtMs) throw runtimeErrors.fail("governance.not_voting", { details: { proposalId, state: row.state } });
  const { source, power } = powerOf(context, row, farmId);
  const key = voteKey(proposalId, source);
  const before = votes.get(state, key);
  const now: Vote = { twinId: actingTwin(context).id, approve, power };
  votes.put(state, key, now);
  const side = (vote: Vote | undefined, wanted: boolean): number => (vote?.approve === wanted ? vote.power : 0);
  const ballot = { id: proposalId, side: "aye" } as const;
  const ayeVoters = row.ayeVoters + countVoter(context, ballot, before, -1) + countVoter(context, ballot, now, 1);
  const ayes = row.ayes - side(before, true) + side(now, true);
  const nays = row.nays - side(before, false) + side(now, false);
  proposals.put(state, proposalId, { ...row, ayes, nays, ayeVoters });
  emit({ type: "governance.voted", proposalId, twinId: now.twinId, farmId, approve, power });
}

/** While it is locked. Each farm and each stake once. */
function castVeto(context: CallContext, { proposalId, farmId }: CallOf<"governance.veto">): void {
  const { state, emit } = context;
  const row = requireProposal(state, proposalId);
  if (row.state !== "passed") throw runtimeErrors.fail("governance.not_locked", { details: { proposalId, state: row.state } });
  const { source, power } = powerOf(context, row, farmId);
  const key = voteKey(proposalId, source);
  if (vetoes.get(state, key) !== undefined) throw runtimeErrors.fail("governance.already_vetoed", { details: { proposalId, farmId } });
  const now: Vote = { twinId: actingTwin(context).id, approve: true, power };
  vetoes.put(state, key, now);
  const next: Proposal = { ...row, vetoes: row.vetoes + power, vetoVoters: row.vetoVoters + countVoter(context, { id: proposalId, side: "veto" }, now, 1) };
  proposals.put(state, proposalId, next);
  emit({ type: "governance.vetoed", proposalId, twinId: now.twinId, farmId, power });
  closeVetoed(context, next);
}

/** By how much the number of different twins changes. */
function countVoter({ state }: CallContext, ballot: { readonly id: ProposalId; readonly side: "aye" | "veto" }, vote: Vote | undefined, delta: 1 | -1): -1 | 0 | 1 {
  if (vote === undefined || !vote.approve || vote.power < VOTER_POWER) return 0;
  const key = voterKey(ballot.id, ballot.side, vote.twinId);
  const before = voters.get(state, key) ?? 0;
  const after = before + delta;
  if (after === 0) voters.delete(state, key);
  else voters.put(state, key, after);
  if (before === 0) return 1;
  return after === 0 ? -1 : 0;
}
