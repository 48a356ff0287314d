/**
 * How nodes, farms and twins have done, by evidence that the ledger itself saw: time proven and missed, contracts fulfilled and
 * failed, maintenance announced or not, violations, disputes, and reviews by those who paid, weighted by what they paid. Old
 * evidence fades.
 *
 * Calls: review and dispute by the twin that paid for the contract; resolve by certifiers, so many as establish a violation.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import { readBlockTimeMs } from "../nodes/pulse.ts";
import { nodes } from "../nodes/store.ts";
import { paging } from "../store/paging.ts";
import { reputationCalls } from "./apply.ts";
import { reputationOf } from "./score.ts";
import { disputes } from "./store.ts";

export const reputationModule = {
  calls: reputationCalls,
  queries: (state: StateReader): Pick<StateQueries, "reputation" | "nodeReputations" | "dispute" | "disputes"> => ({
    reputation: (subject) => reputationOf(state, subject, readBlockTimeMs(state)),
    dispute: (id) => disputes.get(state, id),
    disputes: (page) => disputes.list(state, paging(page)),
    nodeReputations: (page) =>
      nodes.list(state, paging(page)).map(({ id: nodeId }) => {
        const { score, confidence } = reputationOf(state, { nodeId }, readBlockTimeMs(state));
        return { nodeId, score, confidence };
      }),
  }),
} as const satisfies Module;
