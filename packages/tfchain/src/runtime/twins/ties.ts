/** What depends on a twin and would be left without it: counted, so that closing an account needs no search. */
import { type TwinId, s } from "@tfgrid/primitives";
import type { StateReader, StateWriter } from "../api.ts";
import { table } from "../store/table.ts";

export const TIES = ["farms", "solutions", "services"] as const;
export type Tie = (typeof TIES)[number];
type Ties = { readonly [K in Tie]: number };

/** `solutions`: live ones in which the twin is owner, agent or signer; `services`: service contracts it is a party to. */
export const ties = table<TwinId, Ties>({ prefix: "ties", schema: s.struct({ farms: s.uint(), solutions: s.uint(), services: s.uint() }) });
const NONE: Ties = { farms: 0, solutions: 0, services: 0 };
export const readTies = (state: StateReader, id: TwinId): Ties => ties.get(state, id) ?? NONE;

export function changeTies(state: StateWriter, twinIds: Iterable<TwinId>, tie: Tie, delta: 1 | -1): void {
  for (const id of new Set(twinIds)) {
    const row = readTies(state, id);
    // Not below 0: a state older than this count knows nothing of what is untied now.
    const next = { ...row, [tie]: Math.max(0, row[tie] + delta) };
    if (TIES.every((name) => next[name] === 0)) ties.delete(state, id);
    else ties.put(state, id, next);
  }
}
