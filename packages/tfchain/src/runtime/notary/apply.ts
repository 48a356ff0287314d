import type { ContractId, SolutionId, TwinId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type Solution, height } from "../../types/entities.ts";
import type { StateReader } from "../api.ts";
import type { Handlers } from "../context.ts";
import { nodeOf, requireContract } from "../contracts/store.ts";
import { requireNode } from "../nodes/store.ts";
import { solutions } from "../solutions/store.ts";
import { actingTwin } from "../twins/store.ts";
import { anchors } from "./store.ts";

export const notaryCalls: Handlers<"notary"> = {
  "notary.anchor": (context, { document, contractId, solutionId }) => {
    const { state, block, emit } = context;
    const author = actingTwin(context).id;
    const parties = [
      ...(contractId === null ? [] : [partiesOfContract(state, contractId)]),
      ...(solutionId === null ? [] : [partiesOfSolution(state, solutionId)]),
    ];
    if (parties.some((ids) => !ids.includes(author))) {
      throw runtimeErrors.fail("notary.not_a_party", { details: { twinId: author, contractId, solutionId } });
    }
    // The first anchor stands: it proves the earliest time. A later one is no error, or a stranger who anchors first could
    // make somebody's whole batch fail.
    if (anchors.get(state, document) === undefined) {
      anchors.put(state, document, {
        document,
        author,
        height: height.fromCbor(block.height),
        timeMs: block.timeMs,
        contractId,
        solutionId,
      });
    }
    emit({ type: "notary.anchored", document, author, contractId, solutionId });
  },
};

function partiesOfContract(state: StateReader, id: ContractId): readonly TwinId[] {
  const contract = requireContract(state, id);
  const node = requireNode(state, nodeOf(contract));
  const behind = contract.solutionId === null ? [] : partiesOfSolution(state, contract.solutionId);
  return [contract.twinId, node.twinId, ...behind];
}

function partiesOfSolution(state: StateReader, id: SolutionId): readonly TwinId[] {
  const row: Solution | undefined = solutions.get(state, id);
  if (row === undefined)
    throw runtimeErrors.fail("solutions.not_found", { message: `There is no solution ${id}.`, details: { solutionId: id } });
  return [row.twinId, row.agentTwinId, ...row.signers.map(({ twinId }) => twinId)];
}
