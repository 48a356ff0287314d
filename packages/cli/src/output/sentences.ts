/** Ledger events as sentences. Heartbeats of machinery (billing, notes without change) are left out. */
import { formatTft } from "@tfgrid/primitives";
import { type ChainEvent, chain } from "@tfgrid/tfchain";
import { paint, state } from "./terminal.ts";

/**
 * Tells each report of a node once: a start is reported zmachine by zmachine, which reads the same several times over. Remembers one
 * sentence per contract that reported.
 */
export function narrator(): (event: ChainEvent) => string | undefined {
  const last = new Map<number, string>();
  return (event) => {
    const sentence = sentenceOf(event);
    if (event.type === "contracts.deleted") last.delete(event.contractId);
    if (event.type !== "contracts.reported" || sentence === undefined) return sentence;
    if (last.get(event.contractId) === sentence) return undefined;
    last.set(event.contractId, sentence);
    return sentence;
  };
}

/** One sentence, or undefined for events that would only be noise to a person. */
export function sentenceOf(event: ChainEvent): string | undefined {
  if (chain.isNews(event)) return chain.newsSentence(event);
  switch (event.type) {
    case "twins.created":
      return `twin ${event.twinId} joined`;
    case "farms.created":
      return `twin ${event.twinId} opened farm ${event.farmId} "${event.name}"`;
    case "nodes.registered":
      return `node ${event.nodeId} joined farm ${event.farmId}`;
    case "nodes.up":
      return `node ${event.nodeId} is ${state("up")}`;
    case "nodes.down":
      return paint("red", `node ${event.nodeId} is lost`);
    case "nodes.maintenance":
      return `node ${event.nodeId}: maintenance ${event.mode}`;
    case "contracts.created":
      if (event.kind === "rent") return `contract ${event.contractId}: twin ${event.twinId} rents node ${event.nodeId} as a whole`;
      return `contract ${event.contractId}: ${event.kind === "node" ? `node ${event.nodeId} shall work` : `a name on gateway ${event.nodeId}`}${ofSolution(event.solutionId)}`;
    case "contracts.updated":
      return `contract ${event.contractId}: node ${event.nodeId} gets version ${event.version}${ofSolution(event.solutionId)}`;
    case "contracts.reported":
      return `node ${event.nodeId}: ${state(event.state)}${ofSolution(event.solutionId)}${event.message === undefined ? "" : ` - ${event.message}`}`;
    case "contracts.grace":
      return paint("yellow", `contract ${event.contractId} has no money left: paused`);
    case "contracts.resumed":
      return `contract ${event.contractId} goes on`;
    case "contracts.deleted":
      return `contract ${event.contractId} on node ${event.nodeId} ended (${event.cause})`;
    case "solutions.created":
      return `solution ${event.solutionId} "${event.name}" proposed by twin ${event.twinId}`;
    case "solutions.signed":
      return `twin ${event.twinId} signed version ${event.version} of solution ${event.solutionId} (${event.weight} of ${event.needed})`;
    case "solutions.accepted":
      return `solution ${event.solutionId}: version ${event.version} is ${state("accepted")}`;
    case "solutions.state":
      return `solution ${event.solutionId} is ${state(event.state)}${event.message === "" ? "" : ` - ${event.message}`}`;
    case "solutions.deposited":
      return `solution ${event.solutionId}: ${formatTft(event.amountUnits)} TFT deposited`;
    case "solutions.cancelled":
      return `solution ${event.solutionId} ended, ${formatTft(event.refundedUnits)} TFT returned (${event.cause})`;
    case "solutions.member":
      return `${event.name} ${event.joined ? "joined" : "left"} a private network of solution ${event.solutionId}`;
    case "accounts.transferred":
      return `${formatTft(event.amountUnits)} TFT to ${event.to.slice(0, 8)}…`;
    case "twins.updated":
    case "farms.updated":
    case "nodes.updated":
    case "contracts.billed":
    case "notary.anchored":
      return undefined;
    default:
      return event satisfies never;
  }
}

const ofSolution = (solutionId: number | null): string => (solutionId === null ? "" : ` for solution ${solutionId}`);
