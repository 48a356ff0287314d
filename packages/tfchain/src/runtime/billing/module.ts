/**
 * Money for time: contracts accrue while their node is up and are settled once an interval, at their ends, and when their money
 * runs out, as far as a bounded queue of due work comes in one block. Half of a bill goes to the farmer, two fifths to the
 * foundation, the rest to the validators; of a name nine tenths to the foundation. Every rounding is down, once; the fraction is
 * remembered. It has no calls of its own.
 */
import type { Module } from "../module.ts";
import { dueContract, dueSolution } from "./due.ts";
import { nothingIsForgotten } from "./invariants.ts";

export const billingModule = {
  due: { contract: dueContract, solution: dueSolution },
  invariants: [nothingIsForgotten],
} as const satisfies Module;
