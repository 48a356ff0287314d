/**
 * Proof that a document existed: its content id, who anchored it, when. The first anchor stands.
 *
 * Call: anchor by any twin; naming a contract or solution only by one of its parties.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import { notaryCalls } from "./apply.ts";
import { anchors } from "./store.ts";

export const notaryModule = {
  calls: notaryCalls,
  queries: (state: StateReader): Pick<StateQueries, "anchor"> => ({
    anchor: (document) => anchors.get(state, document),
  }),
} as const satisfies Module;
