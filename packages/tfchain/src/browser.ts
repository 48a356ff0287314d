/** The ledger's door for browsers (package.json, condition `browser`): what needs no file, socket or process. */
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
export { type ConnectOptions, allRows, connectChain, pagesOf } from "./client/index.ts";
export { chainErrors } from "./light/errors.ts";
/** The part of the runtime that is a formula. */
export * as runtime from "./runtime/formulas.ts";
