/** One typed client for the whole grid, and the API that 3Nodes serve over messaging. */
export { sdkErrors } from "./errors.ts";
export { type ConnectGridOptions, connectGrid, type Grid } from "./grid.ts";
export * from "./node-api.ts";
export type { Messenger, RequestMethod, StreamMethod } from "@tfgrid/messaging";
export type { Instruction, NotaryClient, SolutionDocument, StoredDocument } from "@tfgrid/notary";
export type { Call, ChainClient, ChainEvent, ChainReader, Contract, Node, Solution, Twin } from "@tfgrid/tfchain";
