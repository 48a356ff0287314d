/** The digital notary: content-addressed, signed documents and instructions, and access to them by contract. */
export type { DocumentSignature, NotaryClient, PutOptions, StoredDocument } from "./client.ts";
export type { NotaryChain } from "./core/ledger.ts";
export { connectNotary, type ConnectNotaryOptions } from "./connect.ts";
export * as documents from "./documents/index.ts";
export type { Instruction, Ingress, Service, SolutionDocument, ZmachineSpec } from "./documents/index.ts";
export { notaryErrors } from "./errors.ts";
export { NOTARY_LIMITS } from "./limits.ts";
export { memoryNotary } from "./memory-notary.ts";
export { type RunningNotary, startNotary, type StartNotaryOptions } from "./start.ts";
