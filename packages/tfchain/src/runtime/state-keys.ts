/** Where each value lies in the state: what a Merkle proof is asked for and checked against. */
import type { ContractId, NodeId, SolutionId, TwinId } from "@tfgrid/primitives";
import { accounts } from "./accounts/store.ts";
import type { StateKeys } from "./api.ts";
import { tallyKey } from "./contracts/rows.ts";
import { contractIdByName, contracts, contractsByNode, contractsBySolution, contractsByTwin } from "./contracts/store.ts";
import { farmIdByName, farms } from "./farms/store.ts";
import { nodeIdByTwin, nodes } from "./nodes/store.ts";
import { anchors } from "./notary/store.ts";
import { constitutionCell, paramsCell } from "./params/store.ts";
import { pricingCell } from "./pricing/store.ts";
import { solutionIdByName, solutions, solutionsByAgent, solutionsByTwin } from "./solutions/store.ts";
import { twinIdByAccount, twins } from "./twins/store.ts";

export const stateKeys = {
  params: paramsCell.key,
  pricing: pricingCell.key,
  constitution: constitutionCell.key,
  account: accounts.key,
  twin: (id: number): string => twins.key(id as TwinId),
  twinByAccount: twinIdByAccount.key,
  farm: farms.key,
  farmByName: farmIdByName.key,
  node: (id: number): string => nodes.key(id as NodeId),
  nodeByTwin: nodeIdByTwin.key,
  contract: (id: number): string => contracts.key(id as ContractId),
  /** What a contract costs and has cost, beside that of its neighbours. */
  tally: (id: number): string => tallyKey(id as ContractId),
  nameContract: contractIdByName.key,
  contractByNode: contractsByNode.key,
  contractBySolution: contractsBySolution.key,
  contractByTwin: contractsByTwin.key,
  solution: (id: number): string => solutions.key(id as SolutionId),
  solutionByName: (...owner: Parameters<typeof solutionIdByName.of>): string => solutionIdByName.key(solutionIdByName.of(...owner)),
  solutionByTwin: solutionsByTwin.key,
  solutionByAgent: solutionsByAgent.key,
  anchor: anchors.key,
} as const satisfies StateKeys & Readonly<Record<string, unknown>>;
