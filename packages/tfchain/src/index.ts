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
export { type ChainAccess, chainAccess } from "./access.ts";
export { runtimeErrors } from "./errors.ts";
export * as runtime from "./runtime/index.ts";
export { type ConnectOptions, allRows, connectChain, pagesOf } from "./client/index.ts";
export { type TrustFileOptions, fileTrustStore } from "./client/trust-file.ts";
export {
  type BlockInfo,
  type CommittedBlock,
  type Engine,
  type EngineStatus,
  type SoloOptions,
  type TxResult,
  genesisHashOf,
  solo,
} from "./engines/index.ts";
export { COMETBFT_VERSION, ensureCometBft, findCometBft } from "./engines/cometbft/binary.ts";
export { type CometHomeOptions, type CometSettings, type HomeFile, type Pace, PACES, cometHome, configFile, nodeIdOf, writeHome } from "./engines/cometbft/home.ts";
export * as light from "./light/index.ts";
export { chainErrors } from "./light/errors.ts";
export { CLIENT_LIMITS, COMET_LIMITS, ENGINE_LIMITS, LIGHT_LIMITS, RPC_LIMITS, STATE_LIMITS } from "./limits.ts";
export { type RpcOptions, type RpcServer, methods, openRpc, startRpc } from "./rpc/index.ts";
export { exportChain } from "./export-chain.ts";
export { type RunningChain, type StartChainOptions, startChain } from "./start.ts";
export { serverStatus } from "./server-status.ts";
export { beginRestore, lmdbStorage, memoryStorage, openSnapshots, openState, snapshotFiles } from "./state/index.ts";
export { type AskToJoin, type Joining, askToJoin } from "./join.ts";
export * as newChain from "./new-chain.ts";
export * as testing from "./testing.ts";
export { tfchainErrors } from "./catalogue.ts";
