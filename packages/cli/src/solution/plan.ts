/** The plan of a document against the ledger as it is now: what would be placed where, and what it would cost. */
import { decode } from "@tfgrid/primitives";
import { type NotaryClient, type SolutionDocument, documents } from "@tfgrid/notary";
import { type ChainReader, type NodeContract, type Solution, allRows } from "@tfgrid/tfchain";
import { type Part, type Plan, currentNames, currentParts, plan, planError, readRents, readReputation } from "@tfgrid/it-contract";
import type { Actor } from "./submit.ts";

export interface PlanOptions {
  readonly chain: ChainReader;
  readonly notary: NotaryClient;
  readonly actor: Actor;
  readonly document: SolutionDocument;
  /** The running solution that this document changes. */
  readonly solution: Solution | undefined;
}

/** @throws GridError it_contract.no_capacity, over_budget ... with every reason in the message */
export async function planDocument(options: PlanOptions): Promise<Plan> {
  const { chain, document, solution } = options;
  const [nodes, farms, pricing, rents, reputation, contracts] = await Promise.all([
    allRows((page) => chain.nodes(page)),
    allRows((page) => chain.farms(page)),
    chain.pricing(),
    readRents(chain),
    readReputation(chain),
    solution === undefined ? [] : allRows((page) => chain.contracts({ ...page, solutionId: solution.id, active: true })),
  ]);
  const parts = await Promise.all(contracts.flatMap((contract) => (contract.type === "node" ? [readPart(options, contract)] : [])));
  const result = plan({ document, nodes, farms, pricing, rents, reputation, ownerTwinId: solution?.twinId ?? options.actor.twinId, current: { parts: currentParts(parts), names: currentNames(contracts) } });
  if (result.ok) return result.plan;
  throw planError(result.problems);
}

async function readPart({ notary, actor }: PlanOptions, contract: NodeContract): Promise<Part> {
  const stored = await notary.get({ cid: contract.instruction, signer: actor.keyPair, twinId: actor.twinId, contractId: contract.id });
  return { contract, instruction: decode(documents.instruction, stored.bytes, { maxBytes: documents.DOCUMENT_LIMITS.documentBytes }) };
}
