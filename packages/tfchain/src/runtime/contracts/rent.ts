/**
 * A whole node for one twin and the agents of its solutions. What runs there shares the rent's fate: it pauses with it, goes
 * on with it and ends with it, so that nobody uses a node that nobody pays for.
 */
import type { NodeId, TwinId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Contract, NodeContract, RentContract } from "../../types/entities.ts";
import type { StateReader } from "../api.ts";
import type { CallContext } from "../context.ts";
import { MODULE_LIMITS } from "../limits.ts";
import { actingTwin } from "../twins/store.ts";
import { contracts, contractsByNode, rentIdByNode } from "./store.ts";

export function rentOf(state: StateReader, nodeId: NodeId): RentContract | undefined {
  const id = rentIdByNode.get(state, nodeId);
  return id === undefined ? undefined : (contracts.get(state, id) as RentContract | undefined);
}

/** Active contracts of any kind on a node, counted as far as the bound of a rented one. */
const countOn = (state: StateReader, nodeId: NodeId): number =>
  [...contractsByNode.ids(state, [nodeId, "a"], { limit: MODULE_LIMITS.contractsPerNodeEnd })].length;

/** No more on a rented node than may pause and end with it in one block. @throws GridError contracts.too_many_on_node */
export function requireRoomOn(state: StateReader, nodeId: NodeId): void {
  if (countOn(state, nodeId) < MODULE_LIMITS.contractsPerNodeEnd) return;
  throw runtimeErrors.fail("contracts.too_many_on_node", { details: { nodeId, max: MODULE_LIMITS.contractsPerNodeEnd } });
}

/** Active node contracts on a node that is or will be rented, in order of id; names on a gateway are not bound to its rent. */
export function* nodeContractsOn(state: StateReader, nodeId: NodeId): Iterable<NodeContract> {
  for (const id of contractsByNode.ids(state, [nodeId, "a"], { limit: MODULE_LIMITS.contractsPerNodeEnd })) {
    const row = contracts.get(state, id as NodeContract["id"]);
    if (row?.type === "node") yield row;
  }
}

/** True while the rent under a contract is out of money. */
export function isSuspended(state: StateReader, contract: Contract): boolean {
  return contract.type === "node" && rentOf(state, contract.nodeId)?.state === "grace";
}

/** Whether `payer` may place something on this rented node. @throws GridError contracts.node_rented, contracts.in_grace, contracts.too_many_on_node */
export function requireRenter(state: StateReader, rent: RentContract, payer: TwinId): void {
  if (rent.twinId !== payer) throw nodeRented(rent);
  if (rent.state === "grace") throw runtimeErrors.fail("contracts.in_grace", { details: { contractId: rent.id } });
  requireRoomOn(state, rent.nodeId);
}

/** By the renter's own will only when nothing runs there any more. @throws GridError contracts.rent_in_use */
export function requireRentUnused(context: CallContext, contract: Contract): void {
  if (contract.type !== "rent") return;
  const [inUse] = nodeContractsOn(context.state, contract.nodeId);
  if (inUse === undefined) return;
  throw runtimeErrors.fail("contracts.rent_in_use", {
    message: `Contract ${inUse.id} still runs on node ${contract.nodeId}; cancel it first.`,
    details: { contractId: contract.id, nodeId: contract.nodeId, inUseBy: inUse.id, twinId: actingTwin(context).id },
  });
}

export function nodeRented(rent: RentContract): ReturnType<typeof runtimeErrors.fail> {
  const message = `Node ${rent.nodeId} is rented by twin ${rent.twinId}.`;
  return runtimeErrors.fail("contracts.node_rented", { message, details: { nodeId: rent.nodeId, rentContractId: rent.id, twinId: rent.twinId } });
}
