/** A contract's two turns: it pauses, and it goes on. */
import type { Contract } from "../../types/entities.ts";
import type { Context } from "../context.ts";
import { canTakeBack, letGo, takeBack } from "../contracts/hold.ts";
import { contracts, nodeOf } from "../contracts/store.ts";

export function enterGrace({ state, emit }: Context, contract: Contract, untilMs: number): void {
  letGo(state, contract);
  contracts.put(state, contract.id, { ...contract, state: "grace" });
  emit({ type: "contracts.grace", contractId: contract.id, nodeId: nodeOf(contract), solutionId: contract.solutionId, untilMs });
}

/** False when what it let go is in other hands by now: then it stays in grace, and is asked again later. */
export function leaveGrace({ state, emit }: Context, contract: Contract): boolean {
  if (!canTakeBack(state, contract)) return false;
  takeBack(state, contract);
  contracts.put(state, contract.id, { ...contract, state: "created" });
  emit({ type: "contracts.resumed", contractId: contract.id, nodeId: nodeOf(contract), solutionId: contract.solutionId });
  return true;
}
