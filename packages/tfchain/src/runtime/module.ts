/**
 * What a module of the ledger is. Its folder's `module.ts` is its specification: what it holds, who may call what, what it
 * answers, what happens by itself, what always holds, how it begins. The code is beside it.
 */
import type { Contract, Node, Solution } from "../types/entities.ts";
import type { StateQueries, StateReader } from "./api.ts";
import type { Payouts } from "./billing/settle.ts";
import type { Context } from "./context.ts";
import type { DueKind } from "./store/due.ts";

/** The whole state, read once for all checks. */
export interface World {
  readonly state: StateReader;
  readonly contracts: readonly Contract[];
  /** Without those that have ended. */
  readonly active: readonly Contract[];
  readonly solutions: readonly Solution[];
  readonly nodes: readonly Node[];
}

/** Yields a sentence for everything that is not as it must be. */
export type Check = (world: World) => Iterable<string>;

/** Carries out one entry of the due queue and says how much of the block's work it took. */
export type DueHandler = (context: Context, id: number, payouts: Payouts) => number;

export interface Module {
  /** By tag; the types of all modules' calls together are complete, or `calls.ts` does not compile. */
  readonly calls?: object;
  readonly queries?: (state: StateReader) => Partial<StateQueries>;
  /** Time-based work that the due queue asks for. */
  readonly due?: Partial<Readonly<Record<DueKind, DueHandler>>>;
  /** What must hold between any two transactions. */
  readonly invariants?: readonly Check[];
}
