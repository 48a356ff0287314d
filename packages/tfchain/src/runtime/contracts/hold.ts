/**
 * What a contract keeps others from using. All of it while it is paid for. In grace its zmachines are stopped, so processors,
 * memory and public addresses are free for who pays for them (nobody holds them with one hour's money for two weeks); the
 * disks stay reserved, because the data is still on them.
 */
import { fits, subtractResources } from "@tfgrid/primitives";
import type { Contract } from "../../types/entities.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { requireFarm } from "../farms/store.ts";
import { requireNode } from "../nodes/store.ts";
import { assignPublicIps, freePublicIps, reserve } from "./capacity.ts";
import { heldResources } from "./held.ts";

/** When it enters grace. */
export function letGo(state: StateWriter, contract: Contract): void {
  if (contract.type !== "node" || contract.state !== "created") return;
  const node = requireNode(state, contract.nodeId);
  reserve(state, node, { old: contract.resources, want: heldResources({ ...contract, state: "grace" }) });
  if (contract.publicIps > 0) freePublicIps(state, node, contract.id);
}

/** Whether what it let go is still there. */
export function canTakeBack(state: StateReader, contract: Contract): boolean {
  if (contract.type !== "node" || contract.state !== "grace") return true;
  const node = requireNode(state, contract.nodeId);
  const free = subtractResources(node.total, subtractResources(node.reserved, heldResources(contract)));
  if (!fits(contract.resources, free)) return false;
  if (contract.publicIps === 0) return true;
  return requireFarm(state, node.farmId).publicIps.filter((ip) => ip.contractId === null).length >= contract.publicIps;
}

/** When it leaves grace. @throws GridError contracts.capacity_exceeded, contracts.no_public_ip */
export function takeBack(state: StateWriter, contract: Contract): void {
  if (contract.type !== "node" || contract.state !== "grace") return;
  const node = requireNode(state, contract.nodeId);
  reserve(state, node, { old: heldResources(contract), want: contract.resources });
  assignPublicIps(state, node, contract.id, contract.publicIps);
}
