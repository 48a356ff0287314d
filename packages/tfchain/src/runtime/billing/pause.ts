/** A contract's two turns: it pauses, and it goes on. */
import type { Contract } from "../../types/entities.ts";
import type { Context } from "../context.ts";
import { contracts, nodeOf } from "../contracts/store.ts";

export function enterGrace({ state, emit }: Context, contract: Contract, untilMs: number): void {
  contracts.put(state, contract.id, { ...contract, state: "grace" });
  emit({ type: "contracts.grace", contractId: contract.id, nodeId: nodeOf(contract), solutionId: contract.solutionId, untilMs });
}

export function leaveGrace({ state, emit }: Context, contract: Contract): void {
  contracts.put(state, contract.id, { ...contract, state: "created" });
  emit({ type: "contracts.resumed", contractId: contract.id, nodeId: nodeOf(contract), solutionId: contract.solutionId });
}
