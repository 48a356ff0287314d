export type { ContractId, FarmId, NodeId, SolutionId, TwinId } from "@tfgrid/primitives";
export type {
  ChainClient,
  ChainEvent,
  ChainReader,
  Contract,
  EventBlock,
  Farm,
  Head,
  Node,
  NodeContract,
  Pricing,
  Solution,
  Twin,
} from "@tfgrid/tfchain";
