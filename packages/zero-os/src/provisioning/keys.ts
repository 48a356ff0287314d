/** Names under which the drivers know what belongs to whom. */
import type { ContractId, SolutionId } from "@tfgrid/primitives";
import type { ZmachineKey } from "../ports.ts";

export const zmachineKey = (contractId: ContractId, name: string): ZmachineKey => `c${contractId}-${name}`;
export const znetKey = (solutionId: SolutionId, network: string): string => `s${solutionId}-${network}`;

/** Undefined for a key that we did not make. */
export function contractOfKey(key: string): ContractId | undefined {
  const match = /^c([1-9]\d{0,15})-/.exec(key);
  return match === null ? undefined : (Number(match[1]) as ContractId);
}
