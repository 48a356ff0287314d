/** Who may make and change a contract, and what money stands behind it: its own deposit, or its solution's. */
import type { SolutionId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type Contract, LIMITS, type Solution, type Twin } from "../../types/entities.ts";
import { creditHeld, debit } from "../accounts/store.ts";
import { changeSolutionCost, minimumPrepaid } from "../billing/schedule.ts";
import type { CallContext } from "../context.ts";
import { readPurse, requireSolution, solutions } from "../solutions/store.ts";
import { actingTwin } from "../twins/store.ts";

const AGENT_MAY_ACT: readonly Solution["state"][] = ["accepted", "deploying", "running", "degraded", "failed"];

/** The solution, when its agent acts on a version that was accepted. `version` null: the call names none. */
export function requireAgent(context: CallContext, id: SolutionId, version: number | null | undefined): Solution {
  const solution = requireSolution(context.state, id);
  const twin = actingTwin(context);
  const details = { solutionId: id, agentTwinId: solution.agentTwinId, twinId: twin.id, state: solution.state, version: solution.version };
  if (solution.agentTwinId !== twin.id) throw runtimeErrors.fail("solutions.agent_only", { details });
  if (solution.state === "paused") throw runtimeErrors.fail("solutions.paused", { details });
  if (!AGENT_MAY_ACT.includes(solution.state)) throw runtimeErrors.fail("solutions.not_accepted", { details });
  if (version !== null && version !== solution.version) {
    const message = `Version ${solution.version} of solution ${id} is the accepted one, the call names ${version ?? "none"}.`;
    throw runtimeErrors.fail("solutions.stale_version", { message, details });
  }
  return solution;
}

/** Who may change or end this contract: the solution's agent for parts, else the owner. */
export function requireController(context: CallContext, contract: Contract): Solution | undefined {
  const twin = actingTwin(context);
  if (contract.solutionId !== null) {
    const solution = requireSolution(context.state, contract.solutionId);
    if (solution.agentTwinId === twin.id) return solution;
    const details = { contractId: contract.id, solutionId: solution.id, agentTwinId: solution.agentTwinId, twinId: twin.id };
    throw runtimeErrors.fail("solutions.agent_only", { details });
  }
  if (contract.twinId === twin.id) return undefined;
  throw runtimeErrors.fail("contracts.not_owner", {
    message: `Contract ${contract.id} belongs to twin ${contract.twinId}, not to twin ${twin.id}.`,
    details: { contractId: contract.id, ownerTwinId: contract.twinId, twinId: twin.id },
  });
}

/** Takes the deposit of a contract outside a solution. @throws GridError contracts.deposit_too_small, accounts.insufficient_balance */
export function holdDeposit(context: CallContext, owner: Twin, depositUnits: bigint, costPerHourUnits: bigint): void {
  const minimum = minimumPrepaid(context.state, costPerHourUnits);
  if (depositUnits < minimum) {
    throw runtimeErrors.fail("contracts.deposit_too_small", {
      message: `A deposit of at least ${minimum} units is needed, ${depositUnits} were given.`,
      details: { minimumUnits: minimum.toString(), depositUnits: depositUnits.toString(), costPerHourUnits: costPerHourUnits.toString() },
    });
  }
  if (depositUnits === 0n) return;
  debit(context.state, owner.account, depositUnits);
  creditHeld(context.state, owner.account, depositUnits);
}

/** A part joins its solution: within budget, with money behind it. The solution is stored with the part in its list. */
export function addPart(context: CallContext, solution: Solution, contract: Contract): void {
  if (solution.parts.length >= LIMITS.partsPerSolution) {
    throw runtimeErrors.fail("solutions.too_many_parts", { details: { solutionId: solution.id, max: LIMITS.partsPerSolution } });
  }
  requireFunds(context, solution, contract.costPerHourUnits);
  const next: Solution = { ...solution, parts: [...solution.parts, contract.id] };
  solutions.put(context.state, solution.id, next);
  changeSolutionCost(context, next, contract.costPerHourUnits);
}

/** @throws GridError solutions.over_budget, solutions.escrow_empty */
export function requireFunds(context: CallContext, solution: Solution, deltaUnits: bigint): void {
  const cost = readPurse(context.state, solution.id).costPerHourUnits + deltaUnits;
  if (deltaUnits <= 0n) return;
  const figures = { solutionId: solution.id, costPerHourUnits: cost.toString() };
  if (cost > solution.budgetPerHourUnits) {
    throw runtimeErrors.fail("solutions.over_budget", {
      message: `All parts together would cost ${cost} units an hour, the signers agreed to ${solution.budgetPerHourUnits}.`,
      details: { ...figures, budgetPerHourUnits: solution.budgetPerHourUnits.toString() },
    });
  }
  const minimum = minimumPrepaid(context.state, cost);
  if (solution.escrowUnits >= minimum) return;
  throw runtimeErrors.fail("solutions.escrow_empty", {
    message: `Solution ${solution.id} has ${solution.escrowUnits} units prepaid, ${minimum} are needed for one settlement interval.`,
    details: { ...figures, escrowUnits: solution.escrowUnits.toString(), minimumUnits: minimum.toString() },
  });
}
