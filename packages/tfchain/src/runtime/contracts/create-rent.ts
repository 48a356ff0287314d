import type { NodeId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { RentContract } from "../../types/entities.ts";
import { endTenants } from "../billing/rent.ts";
import type { CallContext, CallOf } from "../context.ts";
import { wantOn } from "../nodes/power.ts";
import { actingTwin } from "../twins/store.ts";
import { requireRentableNode } from "./capacity.ts";
import { newContract, open } from "./create.ts";
import { rentPrice } from "./price.ts";
import { nodeContractsOn, nodeRented, rentOf, requireRoomOn } from "./rent.ts";
import { removeContract } from "./remove.ts";
import { rentIdByNode } from "./store.ts";

export function createRent(context: CallContext, { nodeId, depositUnits }: CallOf<"contracts.create_rent">): void {
  const { state } = context;
  const node = requireRentableNode(state, nodeId);
  wantOn(context, node);
  takeOver(context, nodeId);
  requireRoomOn(state, nodeId);
  const [inUse] = nodeContractsOn(state, nodeId);
  if (inUse !== undefined) throw runtimeErrors.fail("contracts.node_in_use", { details: { nodeId, contractId: inUse.id } });
  const base = newContract(context, undefined, rentPrice(state, node.id), depositUnits);
  const row: RentContract = { ...base, type: "rent", nodeId: node.id };
  rentIdByNode.put(state, node.id, row.id);
  open(context, undefined, row);
}

/** A rent that nobody pays gives way to one that is paid: it ends here, with what ran under it. @throws GridError contracts.node_rented */
function takeOver(context: CallContext, nodeId: NodeId): void {
  const rent = rentOf(context.state, nodeId);
  if (rent === undefined) return;
  if (rent.state !== "grace" || rent.twinId === actingTwin(context).id) throw nodeRented(rent);
  endTenants(context, rent);
  removeContract(context, rent, "out_of_funds");
}
