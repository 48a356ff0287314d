import type { SolutionId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Solution } from "../../types/entities.ts";
import { creditHeld, debit } from "../accounts/store.ts";
import { resumeSolution } from "../billing/grace.ts";
import type { CallContext, CallOf, Handlers } from "../context.ts";
import { requireAgent } from "../contracts/payer.ts";
import { nextId } from "../params/store.ts";
import { actingTwin, requireTwin } from "../twins/store.ts";
import { requireTerms } from "../twins/terms.ts";
import { changeTies } from "../twins/ties.ts";
import { cancelSolution } from "./cancel.ts";
import { propose, sign, signPending } from "./change.ts";
import { addMember, removeMember } from "./members.ts";
import { partiesOf, requireSolution, solutionIdByName, solutions, solutionsByAgent, solutionsByTwin, totalWeight } from "./store.ts";

export const solutionsCalls: Handlers<"solutions"> = {
  "solutions.create": create,
  "solutions.sign": (context, { solutionId, version, document }) =>
    signPending(context, requireSolution(context.state, solutionId), { version, document }),
  "solutions.amend": (context, { solutionId, version, document, budgetPerHourUnits }) =>
    propose(context, requireSolution(context.state, solutionId), { version, document, budgetPerHourUnits }),
  "solutions.cancel": (context, { solutionId }) => {
    const solution = requireSolution(context.state, solutionId);
    // Nobody else has agreed to anything yet: the owner gets his deposit back without asking.
    if (solution.version === 0 && actingTwin(context).id === solution.twinId) cancelSolution(context, solution, "solution_cancelled");
    else propose(context, solution, { version: solution.version + 1, document: null, budgetPerHourUnits: solution.budgetPerHourUnits });
  },
  "solutions.deposit": ({ state, signer, emit, block }, { solutionId, amountUnits }) => {
    const solution = requireSolution(state, solutionId);
    // Whoever pays, the money is the owner's from now on: a refund goes to him.
    debit(state, signer, amountUnits);
    creditHeld(state, requireTwin(state, solution.twinId).account, amountUnits);
    const next: Solution = { ...solution, escrowUnits: solution.escrowUnits + amountUnits };
    solutions.put(state, solutionId, next);
    emit({ type: "solutions.deposited", solutionId, amountUnits });
    if (next.state === "paused") resumeSolution({ state, emit, block }, next);
  },
  "solutions.set_state": (context, { solutionId, version, state, code, message }) => {
    const solution = requireAgent(context, solutionId, version);
    const note = { code, message, atMs: context.block.timeMs };
    solutions.put(context.state, solutionId, { ...solution, state, note });
    context.emit({ type: "solutions.state", solutionId, version, state, code, message });
  },
  "solutions.add_member": addMember,
  "solutions.remove_member": removeMember,
};

function create(context: CallContext, call: CallOf<"solutions.create">): void {
  const { state, block, emit } = context;
  const { name, document, agentTwinId, signers, thresholds, budgetPerHourUnits, depositUnits } = call;
  const owner = actingTwin(context);
  requireTwin(state, agentTwinId);
  checkSigners(context, call, owner.id);
  const taken = solutionIdByName.get(state, solutionIdByName.of(owner.id, name));
  if (taken !== undefined) {
    throw runtimeErrors.fail("solutions.name_taken", {
      message: `Twin ${owner.id} has solution ${taken} of the name ${name}.`,
      details: { solutionId: taken, name },
    });
  }
  requireTerms(state, owner.id);
  debit(state, owner.account, depositUnits);
  creditHeld(state, owner.account, depositUnits);
  const id = nextId<SolutionId>(state, "solution");
  const pending = { version: 1, document, budgetPerHourUnits, signedBy: [] };
  const row: Solution = {
    id,
    name,
    twinId: owner.id,
    agentTwinId,
    signers,
    thresholds,
    version: 0,
    document,
    pending,
    budgetPerHourUnits,
    escrowUnits: depositUnits,
    state: "proposed",
    note: null,
    parts: [],
    members: [],
    createdAtMs: block.timeMs,
  };
  solutions.put(state, id, row);
  solutionIdByName.put(state, solutionIdByName.of(owner.id, name), id);
  solutionsByTwin.add(state, [owner.id], id);
  solutionsByAgent.add(state, [agentTwinId], id);
  changeTies(state, partiesOf(row), "solutions", 1);
  emit({ type: "solutions.created", solutionId: id, twinId: owner.id, agentTwinId, name });
  if (signers.some(({ twinId }) => twinId === owner.id)) sign(context, row, pending);
}

/** Signers exist, none twice, thresholds within reach; the agent stands on no other side: it carries out what others agreed to. */
function checkSigners({ state }: CallContext, call: CallOf<"solutions.create">, ownerTwinId: number): void {
  const { signers, thresholds, agentTwinId } = call;
  const ids = signers.map(({ twinId }) => twinId);
  for (const id of ids) requireTwin(state, id);
  if (new Set(ids).size !== ids.length) throw runtimeErrors.fail("solutions.bad_signers", { message: "A signer is listed twice." });
  if (agentTwinId === ownerTwinId || ids.includes(agentTwinId))
    throw runtimeErrors.fail("solutions.agent_conflict", { details: { agentTwinId } });
  const total = totalWeight({ signers });
  const over = (["provision", "amend", "delete"] as const).filter((kind) => thresholds[kind] > total);
  if (over.length === 0) return;
  throw runtimeErrors.fail("solutions.bad_signers", {
    message: `All signers together weigh ${total}; beyond their reach: ${over.map((kind) => `${kind} ${thresholds[kind]}`).join(", ")}.`,
    details: { totalWeight: total, over },
  });
}
