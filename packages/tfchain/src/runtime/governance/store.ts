import { type TwinId, s } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type Proposal, type ProposalId, type Vote, proposal, vote } from "../../types/governance.ts";
import type { StateReader } from "../api.ts";
import type { Deadline } from "../nodes/standstill.ts";
import { cell, padId, table } from "../store/table.ts";

export const proposals = table<ProposalId, Proposal>({ prefix: "proposal", schema: proposal });
/** By farm or by stake: `PROPOSAL/f/FARM`, `PROPOSAL/s/TWIN`. */
export const votes = table<string, Vote>({ prefix: "vote", schema: vote });
export const vetoes = table<string, Vote>({ prefix: "veto", schema: vote });
/** In how many ways a twin is in favour (or vetoes): each twin counts once as a voter. */
export const voters = table<string, number>({ prefix: "voter", schema: s.uint() });
/** The present deadline of an open proposal: the end of its vote, then of its lock. */
export const proposalDeadlines = table<ProposalId, Deadline>({ prefix: "proposal-deadline", schema: s.struct({ untilMs: s.uint(), stoodMs: s.uint() }) });
/** Proposals that are voted on or locked. */
export const openCell = cell("meta/open-proposals", s.uint());

export type Source = { readonly kind: "f" | "s"; readonly id: number };
export const voteKey = (id: ProposalId, source: Source): string => `${padId(id)}/${source.kind}/${padId(source.id)}`;
export const voterKey = (id: ProposalId, side: "aye" | "veto", twinId: TwinId): string => `${padId(id)}/${side}/${padId(twinId)}`;

/** @throws GridError governance.not_found */
export function requireProposal(state: StateReader, id: ProposalId): Proposal {
  const row = proposals.get(state, id);
  if (row === undefined) throw runtimeErrors.fail("governance.not_found", { message: `There is no proposal ${id}.`, details: { proposalId: id } });
  return row;
}
