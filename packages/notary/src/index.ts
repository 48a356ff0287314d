/** The digital notary: content-addressed, signed documents and instructions, and access to them by contract. */
export type { DocumentSignature, NotaryClient, PutOptions, StoredDocument } from "./client.ts";
export * as documents from "./documents/index.ts";
export type { Instruction, Ingress, Service, SolutionDocument, ZmachineSpec } from "./documents/index.ts";
