/** What the planner reads and what it answers. Plain values: a plan can be stored, compared and shown. */
import type { Instruction, Service, SolutionDocument } from "@tfgrid/notary";
import type { ContractId, NodeId, Resources, TwinId } from "@tfgrid/primitives";
import type { Farm, Node, NodeContract, Pricing } from "@tfgrid/tfchain";
import type { ItContractCode } from "../errors.ts";

export type NetworkShare = NodeContract["networks"][number];
export type Volume = SolutionDocument["volumes"][number];
export type Network = Instruction["networks"][number];

/** A zmachine that a contract holds now. */
export interface CurrentZmachine {
  readonly name: string;
  readonly service: string;
  readonly networks: readonly { readonly name: string; readonly ip: string }[];
  readonly resources: Service["resources"];
  readonly volumes: readonly string[];
}

/** A node contract of the solution as it is now. */
export interface CurrentPart {
  readonly contractId: ContractId;
  readonly nodeId: NodeId;
  readonly resources: Resources;
  readonly networks: readonly Network[];
  readonly volumes: readonly Volume[];
  readonly zmachines: readonly CurrentZmachine[];
}

export interface CurrentName {
  readonly contractId: ContractId;
  readonly name: string;
  readonly gatewayNodeId: NodeId;
}

/** How an update goes, by what the nodes report. Names are zmachines'. Absent: show the final state. */
export interface Progress {
  /** Run by an older version of their service. */
  readonly outdated: ReadonlySet<string>;
  /** Up long enough and healthy. */
  readonly ready: ReadonlySet<string>;
  readonly failed: ReadonlySet<string>;
  /** The update was undone: no further step until there is a new version. */
  readonly rolledBack: boolean;
}

export interface PlanInput {
  readonly document: SolutionDocument;
  readonly nodes: readonly Node[];
  readonly farms: readonly Farm[];
  readonly pricing: Pricing;
  readonly current: { readonly parts: readonly CurrentPart[]; readonly names: readonly CurrentName[] };
  readonly progress?: Progress;
  /** 0 to 1000 per node. Absent for a node: unknown, which satisfies no minimum above 0. */
  readonly reputation?: ReadonlyMap<NodeId, number>;
  /** Nodes that are under a rent. Absent: none is. */
  readonly rents?: ReadonlyMap<NodeId, Rent>;
  /** Who pays: the solution's owner. Absent: rented nodes are for nobody. */
  readonly ownerTwinId?: TwinId | undefined;
}

export interface Rent {
  readonly twinId: TwinId;
  /** False: out of money, so nothing may be placed there. */
  readonly paid: boolean;
}

export interface PlannedZmachine {
  readonly name: string;
  readonly service: string;
  readonly nodeId: NodeId;
  readonly networks: readonly { readonly name: string; readonly ip: string }[];
  readonly resources: Service["resources"];
  readonly volumes: readonly string[];
  /** `document`: as the document says; `current`: left exactly as its contract has it. */
  readonly spec: "document" | "current";
  readonly action: "create" | "keep" | "update";
}

export interface PlannedPart {
  readonly nodeId: NodeId;
  readonly farmId: number;
  readonly country: string;
  /** Null: a new contract. */
  readonly contractId: ContractId | null;
  readonly networks: readonly Network[];
  readonly volumes: readonly Volume[];
  readonly zmachines: readonly PlannedZmachine[];
  readonly routes: SolutionDocument["ingress"];
  readonly resources: Resources;
  readonly costPerHourUnits: bigint;
}

export interface PlannedName {
  readonly name: string;
  readonly host: string;
  readonly gatewayNodeId: NodeId;
  readonly contractId: ContractId | null;
  readonly costPerHourUnits: bigint;
}

export interface PlanNote {
  readonly code: ItContractCode;
  readonly message: string;
}

export interface Plan {
  readonly solution: string;
  readonly version: number;
  readonly agentTwinId: TwinId;
  readonly parts: readonly PlannedPart[];
  readonly names: readonly PlannedName[];
  /** Contracts that end: cancelling one removes everything that its node holds for the solution. */
  readonly cancels: readonly { readonly contractId: ContractId; readonly nodeId: NodeId; readonly kind: "node" | "name"; readonly reason: string }[];
  readonly costPerHourUnits: bigint;
  readonly budgetPerHourUnits: bigint;
  /** What a person should know before agreeing. */
  readonly warnings: readonly PlanNote[];
  /** What is wanted but not possible now; empty in a complete plan. */
  readonly shortfalls: readonly PlanNote[];
  /** True while outdated zmachines remain: another step follows when this one is ready. */
  readonly updating: boolean;
}

export type PlanResult = { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly problems: readonly PlanNote[] };
