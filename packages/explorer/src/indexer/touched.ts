/** Which entities an event is about: those are read again. Pure. */
import type { ChainEvent, ContractId, FarmId, NodeId, SolutionId, TwinId } from "../types.ts";

export interface Touched {
  readonly farms: ReadonlySet<FarmId>;
  readonly twins: ReadonlySet<TwinId>;
  readonly nodes: ReadonlySet<NodeId>;
  readonly contracts: ReadonlySet<ContractId>;
  readonly solutions: ReadonlySet<SolutionId>;
}

interface Ids {
  readonly farmId?: FarmId;
  readonly twinId?: TwinId;
  readonly nodeId?: NodeId;
  readonly contractId?: ContractId | null;
  readonly solutionId?: SolutionId | null;
}

/**
 * Every event names its subjects by these fields, so new event types are followed without a change here. Twins are only
 * read again when the event is about the twin itself: `twinId` elsewhere is a mere mention.
 */
export function touchedBy(events: readonly ChainEvent[]): Touched {
  const touched = {
    farms: new Set<FarmId>(),
    twins: new Set<TwinId>(),
    nodes: new Set<NodeId>(),
    contracts: new Set<ContractId>(),
    solutions: new Set<SolutionId>(),
  };
  for (const event of events) {
    const ids = event as Ids;
    if (event.type.startsWith("twins.") && ids.twinId !== undefined) touched.twins.add(ids.twinId);
    if (ids.farmId !== undefined) touched.farms.add(ids.farmId);
    if (ids.contractId !== undefined && ids.contractId !== null) touched.contracts.add(ids.contractId);
    // A report or a bill changes nothing of the node; placing, changing and ending a contract changes what is reserved.
    if (ids.nodeId !== undefined && event.type !== "contracts.reported") touched.nodes.add(ids.nodeId);
    if (ids.solutionId !== undefined && ids.solutionId !== null) touched.solutions.add(ids.solutionId);
  }
  return touched;
}
