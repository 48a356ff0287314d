/** The notary's door for browsers (package.json, condition `browser`): client and documents, no server. */
export type { DocumentSignature, NotaryClient, PutOptions, StoredDocument } from "./client.ts";
export { connectNotary, type ConnectNotaryOptions } from "./connect.ts";
export * as documents from "./documents/index.ts";
export type { Ingress, Instruction, Service, SolutionDocument, ZmachineSpec } from "./documents/index.ts";
export { notaryErrors } from "./errors.ts";
export { NOTARY_LIMITS } from "./limits.ts";
