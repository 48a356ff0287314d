/** What the chain says that matters here, read afresh in every round. */
import type { NodeId, SolutionId, TwinId } from "@tfgrid/primitives";
import type { ChainReader, Node, NodeContract, Solution } from "@tfgrid/tfchain";
import { LINK_STATE_LIMITS } from "../limits.ts";

export type NetworkChain = Pick<ChainReader, "contracts" | "node" | "nodes" | "solution" | "twin">;

export interface SolutionView {
  readonly solution: Solution;
  /** Active node contracts, newest word of each node about it. */
  readonly contracts: readonly NodeContract[];
}

export interface ChainView {
  readonly nodes: ReadonlyMap<NodeId, Node>;
  readonly solutions: ReadonlyMap<SolutionId, SolutionView>;
}

export async function readSolution(chain: NetworkChain, id: SolutionId): Promise<SolutionView | undefined> {
  const [solution, contracts] = await Promise.all([chain.solution(id), chain.contracts({ solutionId: id, active: true, limit: 1000 })]);
  if (solution === undefined) return undefined;
  return { solution, contracts: contracts.filter((contract) => contract.type === "node") };
}

/** `nodes`: known from shortly before, not read again. */
export async function readView(
  chain: NetworkChain,
  solutionIds: Iterable<SolutionId>,
  nodes?: ReadonlyMap<NodeId, Node>,
): Promise<ChainView> {
  const [listed, read] = await Promise.all([nodes ?? readNodes(chain), Promise.all([...new Set(solutionIds)].map((id) => readSolution(chain, id)))]);
  const views = read.filter((view) => view !== undefined);
  // A list cannot be proven as one node can: those that tunnels are opened to are read by themselves, key and address.
  const near = new Set(views.flatMap(({ contracts }) => contracts.map(({ nodeId }) => nodeId)));
  const all = new Map(listed);
  for (const node of await Promise.all([...near].map((id) => chain.node(id)))) if (node !== undefined) all.set(node.id, node);
  return { nodes: all, solutions: new Map(views.map((view) => [view.solution.id, view])) };
}

async function readNodes(chain: NetworkChain): Promise<ReadonlyMap<NodeId, Node>> {
  const nodes = new Map<NodeId, Node>();
  for (let after = 0; nodes.size < LINK_STATE_LIMITS.maxNodes; ) {
    const page = await chain.nodes({ after, limit: 1000 });
    for (const node of page) nodes.set(node.id, node);
    const last = page.at(-1);
    if (last === undefined || page.length < 1000) break;
    after = last.id;
  }
  return nodes;
}

export const endpointOf = (node: Node | undefined): { readonly address: string; readonly port: number } | undefined => node?.meshEndpoints[0];

export function nodeOfTwin(view: ChainView, twinId: TwinId): Node | undefined {
  for (const node of view.nodes.values()) if (node.twinId === twinId) return node;
  return undefined;
}

/** UDP port of this network on that node, by its own report. */
export function reportedPort(view: SolutionView, nodeId: NodeId, network: string): number | undefined {
  for (const contract of view.contracts) {
    if (contract.nodeId !== nodeId) continue;
    const found = contract.report?.networks.find((entry) => entry.name === network);
    if (found !== undefined) return found.port;
  }
  return undefined;
}

/** Whether the node has an active contract with a share of this network: it may take part, and others may forward for it. */
export const takesPart = (view: SolutionView, nodeId: NodeId, network: string): boolean =>
  view.contracts.some((contract) => contract.nodeId === nodeId && contract.networks.some((share) => share.name === network));
