/** The plan of a document against the ledger as it is now: what would be placed where, and what it would cost. */
import { decode } from "@tfgrid/primitives";
import { type Instruction, type NotaryClient, type SolutionDocument, documents } from "@tfgrid/notary";
import { type ChainReader, type Contract, type NodeContract, type Solution, allRows, runtime } from "@tfgrid/tfchain";
import { type CurrentName, type CurrentPart, type Plan, plan, planError, readRents, readReputation } from "@tfgrid/it-contract";
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
  const parts = await Promise.all(contracts.flatMap((contract) => (contract.type === "node" ? [currentPart(options, contract)] : [])));
  const result = plan({ document, nodes, farms, pricing, rents, reputation, ownerTwinId: solution?.twinId ?? options.actor.twinId, current: { parts, names: contracts.flatMap(currentName) } });
  if (result.ok) return result.plan;
  throw planError(result.problems);
}

async function currentPart({ notary, actor }: PlanOptions, contract: NodeContract): Promise<CurrentPart> {
  const stored = await notary.get({ cid: contract.instruction, signer: actor.keyPair, twinId: actor.twinId });
  const instruction: Instruction = decode(documents.instruction, stored.bytes, { maxBytes: documents.DOCUMENT_LIMITS.documentBytes });
  return {
    contractId: contract.id,
    nodeId: contract.nodeId,
    resources: runtime.heldResources(contract),
    networks: instruction.networks,
    volumes: instruction.volumes,
    zmachines: instruction.zmachines.map(({ name, service, networks, resources, mounts }) => ({
      name,
      service,
      networks,
      resources,
      volumes: mounts.filter((mount) => mount.type === "volume").map((mount) => mount.source),
    })),
  };
}

function currentName(contract: Contract): readonly CurrentName[] {
  return contract.type === "name" ? [{ contractId: contract.id, name: contract.name, gatewayNodeId: contract.gatewayNodeId }] : [];
}
