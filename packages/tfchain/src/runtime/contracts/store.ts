import { type ContractId, type Infer, type NodeId, type SolutionId, type TwinId, s } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type Contract, contract, contractId, nodeId } from "../../types/entities.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { type ListOptions, idIndex, table } from "../store/table.ts";

export const contractIdByName = table<string, ContractId>({ prefix: "name", schema: contractId });
/** Rents that are active. */
export const rentIdByNode = table<NodeId, ContractId>({ prefix: "rent-by-node", schema: contractId });

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

/** One row for both, because a bill changes both: with two, each bill would cost the state's tree twice as much. */
export const contractRow = s.struct({ contract, meter: s.optional(meter) });
export const contractRows = table<ContractId, Infer<typeof contractRow>>({ prefix: "contract", schema: contractRow });

function* allContracts(state: StateReader, options?: ListOptions): Iterable<Contract> {
  for (const row of contractRows.all(state, options)) yield row.contract;
}

/** What everybody sees. */
export const contracts = {
  key: contractRows.key,
  get: (state: StateReader, id: ContractId): Contract | undefined => contractRows.get(state, id)?.contract,
  /** Its meter stays as it is. */
  put: (state: StateWriter, id: ContractId, row: Contract): void => contractRows.put(state, id, { ...contractRows.get(state, id), contract: row }),
  all: allContracts,
} as const;

export const meters = {
  get: (state: StateReader, id: ContractId): Meter | undefined => contractRows.get(state, id)?.meter,
  /** Of a contract that is stored. */
  put: (state: StateWriter, id: ContractId, row: Meter): void => contractRows.put(state, id, { contract: requireContract(state, id), meter: row }),
} as const;

/** `a`: active, `d`: deleted. A contract moves from one to the other once. */
type Life = "a" | "d";
export const contractsByNode = idIndex<readonly [NodeId, Life]>("contract-by-node");
export const contractsBySolution = idIndex<readonly [SolutionId, Life]>("contract-by-solution");
export const contractsByTwin = idIndex<readonly [TwinId, Life]>("contract-by-twin");

/** A solution's private network as far as the ledger cares: one /16, each /24 of it on one node. */
export const networks = table<string, { readonly cidr: string; readonly shares: number }>({
  prefix: "network",
  schema: s.struct({ cidr: s.text({ maxLength: 49 }), shares: s.uint() }),
});
export const subnets = table<string, { readonly nodeId: NodeId; readonly parts: number }>({
  prefix: "subnet",
  schema: s.struct({ nodeId, parts: s.uint({ min: 1 }) }),
});

export const nodeOf = (row: Contract): NodeId => (row.type === "name" ? row.gatewayNodeId : row.nodeId);

function indexContract(state: StateWriter, row: Contract, action: "add" | "remove", life: Life): void {
  contractsByNode[action](state, [nodeOf(row), life], row.id);
  contractsByTwin[action](state, [row.twinId, life], row.id);
  if (row.solutionId !== null) contractsBySolution[action](state, [row.solutionId, life], row.id);
}

export function insertContract(state: StateWriter, row: Contract): void {
  contracts.put(state, row.id, row);
  indexContract(state, row, "add", "a");
}

/** From the living to the past, where there is nothing to settle any more. */
export function retireContract(state: StateWriter, row: Contract): void {
  contractRows.put(state, row.id, { contract: row });
  indexContract(state, row, "remove", "a");
  indexContract(state, row, "add", "d");
}

export function readMeter(state: StateReader, id: ContractId): Meter {
  const row = meters.get(state, id);
  if (row === undefined) throw new Error(`contract ${id} lives without a meter`);
  return row;
}

/** @throws GridError contracts.not_found */
export function requireContract(state: StateReader, id: ContractId): Contract {
  const row = contracts.get(state, id);
  if (row === undefined) {
    throw runtimeErrors.fail("contracts.not_found", { message: `There is no contract ${id}.`, details: { contractId: id } });
  }
  return row;
}

/** @throws GridError contracts.not_found, contracts.not_active */
export function requireActive(state: StateReader, id: ContractId): Contract {
  const row = requireContract(state, id);
  if (row.state === "deleted") {
    throw runtimeErrors.fail("contracts.not_active", {
      message: `Contract ${id} has ended (${row.deletedCause ?? "unknown"}).`,
      details: { contractId: id, cause: row.deletedCause, deletedAtMs: row.deletedAtMs },
    });
  }
  return row;
}
