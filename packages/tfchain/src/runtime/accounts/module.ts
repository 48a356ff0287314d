/**
 * TFT balances: free, or held in escrow of contracts, solutions, stakes, proposals and services.
 *
 * Calls: transfer; burn; stake (locks for the time of a level, prolongs, adds) and unstake (all of it, once unlocked).
 * A stake takes its level's percentage off all bills of its twin while it covers that many months of the twin's total spend.
 * Genesis: balances. Minted by rewards only, up to the cap; burned by their owners only.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import { readBlockTimeMs } from "../nodes/pulse.ts";
import { accountsCalls } from "./apply.ts";
import { holdsAreEscrows, stakesAreCounted, supplyConserved } from "./invariants.ts";
import { discountOf, stakes } from "./stake.ts";
import { readAccount } from "./store.ts";
import { readSupply } from "./supply.ts";

export const accountsModule = {
  calls: accountsCalls,
  queries: (state: StateReader): Pick<StateQueries, "account" | "supply" | "stake" | "discount"> => ({
    account: (id) => readAccount(state, id),
    supply: () => readSupply(state),
    stake: (twinId) => stakes.get(state, twinId),
    discount: (twinId) => discountOf(state, twinId, readBlockTimeMs(state)),
  }),
  invariants: [supplyConserved, holdsAreEscrows, stakesAreCounted],
} as const satisfies Module;
