/** The digital notary as other rooms see it. */
import type { CidText, ContractId, Hex, KeyPair, Schema, SolutionId, TwinId } from "@tfgrid/primitives";

export interface DocumentSignature {
  readonly twinId: TwinId;
  readonly signature: Hex;
}

/** Canonical bytes and who signed them (domain `tfgrid/document/v1`, over the content id's bytes). */
export interface StoredDocument {
  readonly cid: CidText;
  readonly bytes: Uint8Array;
  readonly author: TwinId;
  readonly signatures: readonly DocumentSignature[];
}

export interface PutOptions<T> {
  readonly schema: Schema<T>;
  readonly value: T;
  readonly signer: KeyPair;
  readonly twinId: TwinId;
  /** Twins that may read it beside the author, until a contract on the chain names the document (then those whom it names). */
  readonly readers: readonly TwinId[];
}

export interface NotaryClient {
  /** Stores the canonical bytes; storing the same again is no error. */
  put<T>(options: PutOptions<T>): Promise<CidText>;
  /** Adds a signature of another twin. */
  sign(options: { readonly cid: CidText; readonly signer: KeyPair; readonly twinId: TwinId }): Promise<void>;
  /** Checks hash and signatures before it answers. @throws GridError notary.not_found, notary.forbidden, notary.altered */
  get(options: {
    readonly cid: CidText;
    readonly signer: KeyPair;
    readonly twinId: TwinId;
    /** Where the chain names the reader: saves the notary a search. */
    readonly contractId?: ContractId;
    readonly solutionId?: SolutionId;
    readonly signal?: AbortSignal;
  }): Promise<StoredDocument>;
}
