/**
 * Where contracts lie in the state. What bills change is kept apart from what they leave as it is, and shares a row with that of
 * the contracts made just before and after: those are due together as a rule, so a second's 275 bills write 35 rows and not 275,
 * and the tree of hashes above them changes at so many places less.
 */
import { type ContractId, type Infer, s } from "@tfgrid/primitives";
import { type Contract, contractId, contractMoney, nameContract, nodeContract, rentContract } from "../../types/entities.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { type ListOptions, padId, table } from "../store/table.ts";

/** What a unit counts in a meter: milliseconds of an hour times the hundredths that a discount leaves. */
export const METER_SCALE = 360_000_000n;

/** When grace ends, and how long the chain had stood still when that was decided. */
export const graceEnd = s.struct({ untilMs: s.uint(), stoodMs: s.uint() });

/** Of contracts that live: what settlement needs to know and nobody else. */
const meter = s.struct({
  /** Up-counter of the node (or the time, for names) up to which is billed. */
  seenMs: s.uint(),
  /** Fraction of a unit not billed yet, in units x ms x percent: many small bills add up to the one large bill exactly. */
  remainder: s.units({ max: METER_SCALE }),
  /** Billed in vain: the money ran out. Paid first when it comes back. */
  owedUnits: s.units(),
  /** Entry in the due queue; 0 for parts of a solution, which settle with it. */
  dueMs: s.uint(),
  /** Only in grace, and only of contracts with a purse of their own: its end. */
  grace: s.optional(graceEnd),
});
export type Meter = Infer<typeof meter>;

type Money = s.StructOf<typeof contractMoney>;

function withoutMoney<F extends s.Fields & typeof contractMoney>({ fields }: s.StructSchema<F>) {
  const { costPerHourUnits: _cost, billedUnits: _billed, settledAtMs: _settled, escrowUnits: _escrow, ...rest } = fields;
  return s.struct(rest);
}

/** A contract but for its money. */
const storedContract = s.union({ node: withoutMoney(nodeContract), name: withoutMoney(nameContract), rent: withoutMoney(rentContract) });
type StoredContract = Infer<typeof storedContract>;
export const contractRows = table<ContractId, StoredContract>({ prefix: "contract", schema: storedContract });

/** Contracts of one row: a row is written as a whole for each transaction that touches one of them. */
const SPAN_IDS = 8;
const tally = s.struct({ id: contractId, ...contractMoney, meter: s.optional(meter) });
type Tally = Infer<typeof tally>;
/** Ascending by id. */
export type TallyRow = readonly Tally[];
/** Rows: `tally/IDS`. */
export const tallyRows = table<string, TallyRow>({ prefix: "tally", schema: s.list(tally, { min: 1, max: SPAN_IDS }) });
const spanOf = (id: ContractId): string => padId(Math.floor(id / SPAN_IDS));
export const tallyKey = (id: ContractId): string => tallyRows.key(spanOf(id));

const tallyAmong = (row: TallyRow | undefined, id: ContractId): Tally | undefined => row?.find((entry) => entry.id === id);
const tallyOf = (state: StateReader, id: ContractId): Tally | undefined => tallyAmong(tallyRows.get(state, spanOf(id)), id);

function putTally(state: StateWriter, next: Tally): void {
  const row = tallyRows.get(state, spanOf(next.id)) ?? [];
  const at = row.findIndex(({ id }) => id >= next.id);
  const known = at !== -1 && row[at]?.id === next.id;
  tallyRows.put(state, spanOf(next.id), row.toSpliced(at === -1 ? row.length : at, known ? 1 : 0, next));
}

/** What is proven in two rows, as everybody sees it. undefined: the second does not know the contract. */
export function contractFrom(stored: StoredContract, row: TallyRow | undefined): Contract | undefined {
  const found = tallyAmong(row, stored.id);
  return found === undefined ? undefined : whole(stored, found);
}

function whole(stored: StoredContract, { costPerHourUnits, billedUnits, settledAtMs, escrowUnits }: Money): Contract {
  return { ...stored, costPerHourUnits, billedUnits, settledAtMs, escrowUnits };
}

function requireWhole(state: StateReader, stored: StoredContract): Contract {
  const money = tallyOf(state, stored.id);
  if (money === undefined) throw new Error(`contract ${stored.id} has no tally`);
  return whole(stored, money);
}

function getContract(state: StateReader, id: ContractId): Contract | undefined {
  const stored = contractRows.get(state, id);
  return stored === undefined ? undefined : requireWhole(state, stored);
}

function putContract(state: StateWriter, id: ContractId, row: Contract): void {
  const { costPerHourUnits, billedUnits, settledAtMs, escrowUnits, ...stored } = row;
  const before = contractRows.get(state, id);
  if (before === undefined || !sameFields(before, stored)) contractRows.put(state, id, stored as StoredContract);
  const old = tallyOf(state, id);
  const next: Tally = { ...old, id, costPerHourUnits, billedUnits, settledAtMs, escrowUnits };
  if (old === undefined || !sameFields(old, next)) putTally(state, next);
}

/** Rows are never changed in place: what is another object may be another value. */
function sameFields(a: object, b: object): boolean {
  const names = Object.keys(a) as (keyof typeof a)[];
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function* allContracts(state: StateReader, options?: ListOptions): Iterable<Contract> {
  for (const stored of contractRows.all(state, options)) yield requireWhole(state, stored);
}

/** What everybody sees. */
export const contracts = {
  key: contractRows.key,
  get: getContract,
  /** Its meter stays as it is. */
  put: putContract,
  all: allContracts,
} as const;

export const meters = {
  get: (state: StateReader, id: ContractId): Meter | undefined => tallyOf(state, id)?.meter,
  /** Of a contract that is stored. */
  put: (state: StateWriter, id: ContractId, row: Meter): void => putTally(state, { ...requireTally(state, id), meter: row }),
  /** There is nothing to settle any more. */
  remove: (state: StateWriter, id: ContractId): void => {
    const { meter: _gone, ...rest } = requireTally(state, id);
    putTally(state, rest);
  },
} as const;

function requireTally(state: StateReader, id: ContractId): Tally {
  const row = tallyOf(state, id);
  if (row === undefined) throw new Error(`contract ${id} has no tally`);
  return row;
}
