/**
 * Who makes blocks, as the genesis began it and governance wants it, and what consensus caught validators at. Never empty, each key
 * once, power within bounds. Engines follow two blocks after a change; `solo` only keeps it. No calls of its own: misbehaviour
 * comes with the block.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import { paging } from "../store/paging.ts";
import { validatorsHold } from "./invariants.ts";
import { misbehaviours, readValidatorSet } from "./store.ts";

export const validatorsModule = {
  queries: (state: StateReader): Pick<StateQueries, "validatorSet" | "misbehaviours"> => ({
    validatorSet: () => readValidatorSet(state),
    misbehaviours: (page) => misbehaviours.list(state, paging(page)),
  }),
  invariants: [validatorsHold],
} as const satisfies Module;
