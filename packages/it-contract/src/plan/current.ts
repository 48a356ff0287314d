/** What of a solution is placed already, from its contracts and their instructions: a plan keeps what it can. Pure. */
import type { Instruction } from "@tfgrid/notary";
import { type Contract, type NodeContract, runtime } from "@tfgrid/tfchain";
import type { CurrentName, CurrentPart } from "./types.ts";

/** A node contract with the instruction that it carries out. */
export interface Part {
  readonly contract: NodeContract;
  readonly instruction: Instruction;
}

export function currentParts(parts: readonly Part[]): readonly CurrentPart[] {
  return parts.map(({ contract, instruction }) => ({
    contractId: contract.id,
    nodeId: contract.nodeId,
    resources: runtime.heldResources(contract),
    networks: instruction.networks,
    volumes: instruction.volumes,
    zmachines: instruction.zmachines.map((zmachine) => ({
      name: zmachine.name,
      service: zmachine.service,
      networks: zmachine.networks.map(({ name, ip }) => ({ name, ip })),
      resources: zmachine.resources,
      volumes: [...new Set(zmachine.mounts.filter((mount) => mount.type === "volume").map((mount) => mount.source))],
    })),
  }));
}

export function currentNames(contracts: readonly Contract[]): readonly CurrentName[] {
  return contracts.flatMap((contract) => (contract.type === "name" ? [{ contractId: contract.id, name: contract.name, gatewayNodeId: contract.gatewayNodeId }] : []));
}
