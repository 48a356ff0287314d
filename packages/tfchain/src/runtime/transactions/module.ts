/**
 * Who may write: chain, number, expiry, fee. The fee rises smoothly while blocks are more than half full and falls back; nodes'
 * reports and registrations with a farmer's token are free within a rate. All fees go to the validators' pool.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import { feeView } from "./fee.ts";

export const transactionsModule = {
  queries: (state: StateReader): Pick<StateQueries, "fee"> => ({
    fee: () => feeView(state),
  }),
} as const satisfies Module;
