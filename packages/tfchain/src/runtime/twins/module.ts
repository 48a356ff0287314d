/**
 * Identities of users, farmers, nodes, agents and services: one key each, relays for messages, a key for sealed boxes.
 *
 * Calls: create and update by the key's holder; rotate_key with a proof of the new key (balance and holds go with it); offer and
 * accept, by which another holder takes the twin with what it owns; accept_terms, exactly the version in force, asked before a
 * twin takes on something new; close, when nothing depends on the twin any more.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import { paging } from "../store/paging.ts";
import { twinsCalls } from "./apply.ts";
import { tiesAreCounted } from "./invariants.ts";
import { twinOffers } from "./move.ts";
import { twinByAccount, twins } from "./store.ts";
import { acceptedTerms } from "./terms.ts";

export const twinsModule = {
  calls: twinsCalls,
  queries: (state: StateReader): Pick<StateQueries, "twin" | "twinByAccount" | "twins" | "twinOffer" | "acceptedTerms"> => ({
    twin: (id) => twins.get(state, id),
    twinByAccount: (account) => twinByAccount(state, account),
    twins: (page) => twins.list(state, paging(page)),
    twinOffer: (twinId) => twinOffers.get(state, twinId),
    acceptedTerms: (twinId) => acceptedTerms.get(state, twinId),
  }),
  invariants: [tiesAreCounted],
} as const satisfies Module;
