/** TFChain, the ledger: its vocabulary (`types`), the runtime, state, engines, RPC and light client. */
export * as chain from "./types/index.ts";
export type {
  Account,
  Anchor,
  Call,
  CallType,
  ChainClient,
  ChainEvent,
  ChainReader,
  Contract,
  EventBlock,
  Farm,
  Head,
  JoinToken,
  NameContract,
  Node,
  NodeContract,
  Params,
  Pricing,
  Receipt,
  Report,
  Solution,
  Twin,
} from "./types/index.ts";
export { runtimeErrors } from "./errors.ts";
export * as runtime from "./runtime/index.ts";
