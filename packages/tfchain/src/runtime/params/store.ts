import { s } from "@tfgrid/primitives";
import { type Params, accountId, params as paramsSchema } from "../../types/entities.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { type Cell, cell } from "../store/table.ts";

export const paramsCell = cell("meta/params", paramsSchema);

/** What never changes by a call: who the foundation and the validators' pool are, and how much TFT exists. */
const constitution = s.struct({
  chainId: s.text({ maxLength: 64 }),
  foundation: accountId,
  validatorsPool: accountId,
  supplyUnits: s.units(),
});
export const constitutionCell = cell("meta/constitution", constitution);

const COUNTERS = ["twin", "farm", "node", "contract", "solution", "service", "proposal", "misbehaviour", "dispute", "failed-work"] as const;
export type Counter = (typeof COUNTERS)[number];
const counterCell = (name: Counter): Cell<number> => cell(`meta/last/${name}`, s.uint());

export function nextId<T extends number>(state: StateWriter, name: Counter): T {
  const counter = counterCell(name);
  const id = (counter.get(state) ?? 0) + 1;
  counter.put(state, id);
  return id as T;
}

/** @throws Error when the state holds no genesis: a mistake of the program, not of a transaction */
export function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the state has no ${what}`);
  return value;
}

export const readParams = (state: StateReader): Params => must(paramsCell.get(state), "parameters");
export const readConstitution = (state: StateReader) => must(constitutionCell.get(state), "constitution");
