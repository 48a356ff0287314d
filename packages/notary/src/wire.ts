/** The notary's HTTP interface in types: bodies are canonical DAG-CBOR, errors JSON. */
import { type AccountId, type CidText, encode, type Hex, type Infer, s, type Schema, sha256, type TwinId, verify } from "@tfgrid/primitives";
import { chain } from "@tfgrid/tfchain";
import { notaryErrors } from "./errors.ts";
import { NOTARY_LIMITS as L } from "./limits.ts";

/** Bytes that stay bytes. */
const bytes: Schema<Uint8Array> = {
  fromCbor: (value, path = "bytes") => {
    if (value instanceof Uint8Array) return value;
    throw notaryErrors.fail("notary.bad_request", { message: `${path}: expected bytes` });
  },
  toCbor: (value) => value,
  fromJson: (_value, path = "bytes") => {
    throw notaryErrors.fail("notary.bad_request", { message: `${path}: bytes have no JSON form here` });
  },
  toJson: () => null,
  jsonSchema: () => ({ description: "bytes" }),
};

const signature = s.hex({ length: 64 });
export const documentSignature = s.struct({ twinId: chain.twinId, signature });
export const putBody = s.struct({ bytes, readers: s.list(chain.twinId, { max: L.readersPerDocument }), signature });
export const signBody = s.struct({ signature });
export const storedDocument = s.struct({
  cid: s.cid,
  bytes,
  author: chain.twinId,
  signatures: s.list(documentSignature, { max: L.signaturesPerDocument }),
});
export type PutBody = Infer<typeof putBody>;

/** Where on the chain the reader is named; the notary checks it there. */
export const hint = s.struct({ contractId: s.optional(chain.contractId), solutionId: s.optional(chain.solutionId) });
export type Hint = Infer<typeof hint>;

const requestFields = {
  twinId: chain.twinId,
  timeMs: chain.timeMs,
  nonce: s.hex({ length: 16 }),
  hint,
} as const;
/** What is signed under `tfgrid/request/v1`: the origin is part of it, so that one notary cannot use it at another. */
const signedPart = s.struct({
  ...requestFields,
  origin: s.text({ maxLength: 300 }),
  method: s.oneOf(["GET", "PUT", "POST"]),
  path: s.text({ maxLength: 300 }),
  bodyHash: s.hex({ length: 32 }),
});
export type SignedPart = Infer<typeof signedPart>;
export const credentials = s.struct({ ...requestFields, signature });
export type Credentials = Infer<typeof credentials>;

export const AUTH_SCHEME = "TFGrid ";
export const AUTH_MAX_BYTES = 1_024;
export const CONTENT_TYPE = "application/cbor";

export const documentPath = (cid: CidText): string => `/documents/${cid}`;
export const signaturesPath = (cid: CidText): string => `/documents/${cid}/signatures`;

export function requestBytes(part: SignedPart): Uint8Array {
  return encode(signedPart, part);
}

export const emptyBodyHash = sha256(new Uint8Array(0));

/** The bytes that a document's signature covers: the content id itself (36 bytes). */
export function cidBytes(cid: CidText): Uint8Array {
  return (s.cid.toCbor(cid) as { readonly bytes: Uint8Array }).bytes;
}

export function signatureFits(options: { readonly account: AccountId; readonly cid: CidText; readonly signature: Hex }): boolean {
  return verify({ account: options.account, domain: "tfgrid/document/v1", message: cidBytes(options.cid), signature: options.signature });
}

export type { TwinId };
