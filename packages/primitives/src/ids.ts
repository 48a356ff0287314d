/** Branded ids: a node id cannot be passed where a twin id is wanted, and both are plain numbers at run time. */
declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type TwinId = Brand<number, "TwinId">;
export type FarmId = Brand<number, "FarmId">;
export type NodeId = Brand<number, "NodeId">;
export type ContractId = Brand<number, "ContractId">;
export type SolutionId = Brand<number, "SolutionId">;
export type Height = Brand<number, "Height">;

/** An account is its Ed25519 public key: 32 bytes, written as 64 lower-case hex digits. */
export type AccountId = Brand<string, "AccountId">;
/** A CIDv1 of DAG-CBOR bytes under SHA-256, in base32 text. */
export type CidText = Brand<string, "CidText">;
/** Bytes written as lower-case hex. */
export type Hex = Brand<string, "Hex">;
