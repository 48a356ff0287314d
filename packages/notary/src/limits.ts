/** Bounds of what a stranger can make the notary keep or do. */
import { DOCUMENT_LIMITS } from "./documents/limits.ts";

const DAY_MS = 24 * 3_600_000;

export const NOTARY_LIMITS = {
  /** Bytes of one document. */
  documentBytes: DOCUMENT_LIMITS.documentBytes,
  /** Document, readers and signature in one request. */
  bodyBytes: DOCUMENT_LIMITS.documentBytes + 16_384,
  /** Bytes of an oversized body that are read and thrown away, so that its sender can read the refusal. */
  discardedBytes: 16 * 1024 * 1024,
  /** Twins that may read a document beside those whom the chain names. */
  readersPerDocument: 64,
  /** Signers of a solution are at most 32; the agent and replaced signers come on top. */
  signaturesPerDocument: 64,
  /** One twin's documents: 256 solutions with 20 versions and instructions each. */
  documentsPerTwin: 5_120,
  /** Bytes of one twin's documents together. */
  bytesPerTwin: 1024 ** 3,
  /** A request's time may differ from ours by this much; its nonce is remembered for twice that. */
  clockSkewMs: 60_000,
  /** Nonces remembered at a time: 60 s of 1,600 requests a second in total. */
  nonces: 200_000,
  /** Sustained requests a second and burst of one twin, and of one network address before its signature is checked. */
  requestsPerSecondPerTwin: 50,
  /** Requests that one twin may save up. */
  burstPerTwin: 500,
  /** Sustained requests a second of one network address, before any signature is checked: a signature costs more to check than to forge. */
  requestsPerSecondPerAddress: 300,
  /** Requests that one address may save up; a farm's nodes share one. */
  burstPerAddress: 3_000,
  /** Twins and addresses whose rate is remembered; the least recent are forgotten first. */
  rememberedCallers: 8_192,
  /** A document that no active contract or solution names is kept this long: time to sign, and to roll back. */
  graceMs: 7 * DAY_MS,
  /** Between two looks for documents whose time is over. */
  sweepIntervalMs: 10 * 60_000,
  /** Rows asked of the chain at a time. */
  chainPage: 1_000,
  /** Parts of one solution that are looked through for an instruction. */
  contractsSearched: 10_000,
  /** Connections in all: each costs some 20 KiB, and a document that is on its way up to 2 MiB. */
  connections: 1_024,
  /** The whole request must arrive within this time. */
  requestTimeoutMs: 15_000,
  /** Client: one notary is given this long before the next is tried. */
  clientTimeoutMs: 10_000,
  /** Client: rounds over all notaries while none can be reached; with the waits between them about 3 s, the restart of a notary. */
  clientRounds: 6,
  /** Client: wait before the second round, doubled each time. */
  clientFirstWaitMs: 100,
} as const;
