/**
 * The modules' numbers and who holds which office. Genesis sets both; governance changes them. No calls of its own.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import { readParams } from "../params/store.ts";
import { readCharter, readPolicy } from "./store.ts";

export const policyModule = {
  queries: (state: StateReader): Pick<StateQueries, "params" | "policy" | "charter"> => ({
    params: () => readParams(state),
    policy: () => readPolicy(state),
    charter: () => readCharter(state),
  }),
} as const satisfies Module;
