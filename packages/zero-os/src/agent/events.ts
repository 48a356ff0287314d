/** Events as hints: which contracts and solutions to look at again. */
import type { ContractId, NodeId, SolutionId } from "@tfgrid/primitives";
import type { ChainEvent } from "@tfgrid/tfchain";

export interface Hints {
  readonly contracts: ReadonlySet<ContractId>;
  readonly solutions: ReadonlySet<SolutionId>;
  readonly nodes: ReadonlySet<NodeId>;
}

const NODE_EVENTS = new Set<ChainEvent["type"]>(["nodes.registered", "nodes.updated", "nodes.up", "nodes.down"]);

export function hintsOf(events: readonly ChainEvent[], nodeId: NodeId): Hints {
  const contracts = new Set<ContractId>();
  const solutions = new Set<SolutionId>();
  const nodes = new Set<NodeId>();
  for (const event of events) {
    if ("contractId" in event && "nodeId" in event && event.nodeId === nodeId && event.type !== "contracts.reported") {
      contracts.add(event.contractId as ContractId);
    }
    if ("solutionId" in event && event.solutionId !== null) solutions.add(event.solutionId);
    if (NODE_EVENTS.has(event.type) && "nodeId" in event) nodes.add(event.nodeId as NodeId);
  }
  return { contracts, solutions, nodes };
}
