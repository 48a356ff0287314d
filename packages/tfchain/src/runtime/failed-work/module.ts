/**
 * What of the time-based work this program failed on. By itself: whatever a bug keeps from being done is undone as a whole, written
 * down, and tried again after a minute, then after twice as long each time, at least once an hour; all else goes on. A row goes
 * when the thing is dealt with. It has no calls.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import { paging } from "../store/paging.ts";
import { failuresAreFound } from "./invariants.ts";
import { failedWorks } from "./store.ts";

export const workModule = {
  queries: (state: StateReader): Pick<StateQueries, "failedWork"> => ({
    failedWork: (page) => failedWorks.list(state, paging(page)),
  }),
  invariants: [failuresAreFound],
} as const satisfies Module;
