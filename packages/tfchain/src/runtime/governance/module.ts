/**
 * Changes of parameters within their ranges, of offices, validators, terms, releases and versions. Farms vote by proven capacity,
 * stake by what was locked before and stays locked beyond; quorum, different twins in favour, a time lock, vetoes.
 *
 * Calls: propose with a deposit, lost when there is no quorum; vote, the newest word counts; veto, once, while it is locked.
 * By itself: votes end, locks end, what passed is carried out, or fails when it no longer can be.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import type { ProposalId } from "../../types/governance.ts";
import { paging } from "../store/paging.ts";
import { governanceCalls } from "./apply.ts";
import { dueProposal } from "./close.ts";
import { weightsAreCounted } from "./invariants.ts";
import { listParameters } from "./parameters.ts";
import { proposals } from "./store.ts";

export const governanceModule = {
  calls: governanceCalls,
  queries: (state: StateReader): Pick<StateQueries, "parameters" | "proposal" | "proposals"> => ({
    parameters: () => listParameters(state),
    proposal: (id) => proposals.get(state, id),
    proposals: (page) => proposals.list(state, paging(page)),
  }),
  due: {
    proposal: (context, id) => {
      dueProposal(context, id as ProposalId);
      return 1;
    },
  },
  invariants: [weightsAreCounted],
} as const satisfies Module;
