/**
 * Smart contracts for IT: a document that k of n signers agreed to, an agent that carries it out within a budget, a deposit.
 *
 * Calls: create by the owner; amend and cancel are proposals by owner or signer, sign agrees to exactly what is pending, and what
 * reaches its threshold (provision, amend, delete) happens; deposit by anybody; set_state by the agent; add_member and
 * remove_member, devices of people in its private networks, by signers. No human touches the parts.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import { solutionsCalls } from "./apply.ts";
import { ownsItsParts } from "./invariants.ts";
import { sliceSolutions } from "./list.ts";
import { solutionIdByName, solutions } from "./store.ts";

export const solutionsModule = {
  calls: solutionsCalls,
  queries: (state: StateReader): Pick<StateQueries, "solution" | "solutionByName" | "solutions" | "solutionsSlice"> => ({
    solution: (id) => solutions.get(state, id),
    solutionByName: (twinId, name) => {
      const id = solutionIdByName.get(state, solutionIdByName.of(twinId, name));
      return id === undefined ? undefined : solutions.get(state, id);
    },
    solutions: (page) => sliceSolutions(state, page).rows,
    solutionsSlice: (page, lookAt) => sliceSolutions(state, page, lookAt),
  }),
  invariants: [ownsItsParts],
} as const satisfies Module;
