/** Private networks as the agent uses them; peers and names follow from what the ledger says. */
import type { NodeId, SolutionId } from "@tfgrid/primitives";
import type { Node } from "@tfgrid/tfchain";
import type { NodeNetworks } from "../provisioning/executor.ts";
import type { SolutionView } from "./solution-book.ts";

export interface NetworkView {
  readonly nodeId: NodeId;
  readonly solutions: ReadonlyMap<SolutionId, SolutionView>;
  readonly nodes: ReadonlyMap<NodeId, Node>;
}

export interface NetworkControl extends NodeNetworks {
  /** The newest view; called on every change, must not block. */
  update(view: NetworkView): void;
  stop(): Promise<void>;
}
