import { type ContractId, type NodeId, type SolutionId, type TwinId, s } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type Contract, contractId, nodeId } from "../../types/entities.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { idIndex, table } from "../store/table.ts";
import { type Meter, contracts, meters } from "./rows.ts";

export { METER_SCALE, type Meter, contracts, graceEnd, meters } from "./rows.ts";

export const contractIdByName = table<string, ContractId>({ prefix: "name", schema: contractId });
/** Rents that are active. */
export const rentIdByNode = table<NodeId, ContractId>({ prefix: "rent-by-node", schema: contractId });

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
  meters.remove(state, row.id);
  contracts.put(state, row.id, row);
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
