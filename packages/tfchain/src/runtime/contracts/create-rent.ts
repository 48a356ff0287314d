import { runtimeErrors } from "../../errors.ts";
import type { RentContract } from "../../types/entities.ts";
import type { CallContext, CallOf } from "../context.ts";
import { requireReadyNode } from "./capacity.ts";
import { newContract, open } from "./create.ts";
import { rentPrice } from "./price.ts";
import { nodeContractsOn, nodeRented, rentOf, requireRoomOn } from "./rent.ts";
import { rentIdByNode } from "./store.ts";

export function createRent(context: CallContext, { nodeId, depositUnits }: CallOf<"contracts.create_rent">): void {
  const { state } = context;
  const node = requireReadyNode(state, nodeId);
  const rent = rentOf(state, nodeId);
  if (rent !== undefined) throw nodeRented(rent);
  requireRoomOn(state, nodeId);
  const [inUse] = nodeContractsOn(state, nodeId);
  if (inUse !== undefined) throw runtimeErrors.fail("contracts.node_in_use", { details: { nodeId, contractId: inUse.id } });
  const base = newContract(context, undefined, rentPrice(state, node.id), depositUnits);
  const row: RentContract = { ...base, type: "rent", nodeId: node.id };
  rentIdByNode.put(state, node.id, row.id);
  open(context, undefined, row);
}
