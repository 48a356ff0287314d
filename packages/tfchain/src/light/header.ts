/** The signed header: what a light client trusts, and all that it needs to trust. */
import { type AccountId, type Hex, type Infer, bytesToHex, encode, s, sha256, verify } from "@tfgrid/primitives";
import { accountId, height, key32, timeMs } from "../types/entities.ts";
import { chainErrors } from "./errors.ts";
import { type StateProof, stateProof, verifyStateProof } from "./merkle.ts";

export const header = s.struct({
  chainId: s.text({ maxLength: 64 }),
  height,
  /** Never smaller than the parent's. */
  timeMs,
  /** Hash of the parent's header; zero bytes for the genesis. */
  parentHash: key32,
  /** `listRoot` over the hashes of the transactions, in block order. */
  txsRoot: key32,
  /** Root of the state after this block. */
  appHash: key32,
  authority: accountId,
});
export type Header = Infer<typeof header>;
export const signedHeader = s.struct({ header, signature: s.hex({ length: 64 }) });
export type SignedHeader = Infer<typeof signedHeader>;

/** Canonical DAG-CBOR: what is hashed and what is signed under `tfgrid/header/v1`. */
export const headerBytes = (value: Header): Uint8Array => encode(header, value);
export const headerHash = (value: Header): Hex => bytesToHex(sha256(headerBytes(value)));

/** What a user of the chain knows beforehand, from its genesis. */
export interface TrustedGenesis {
  readonly chainId: string;
  readonly authority: AccountId;
}

/** @throws GridError light.wrong_chain, light.bad_header_signature */
export function verifyHeader(signed: SignedHeader, trust: TrustedGenesis): void {
  const { header: value, signature } = signed;
  if (value.chainId !== trust.chainId || value.authority !== trust.authority) {
    throw chainErrors.fail("light.wrong_chain", {
      message: `The header is of chain ${value.chainId} under ${value.authority}; ${trust.chainId} under ${trust.authority} is trusted.`,
      details: { chainId: value.chainId, authority: value.authority, trustedChainId: trust.chainId, trustedAuthority: trust.authority },
    });
  }
  if (!verify({ account: trust.authority, domain: "tfgrid/header/v1", message: headerBytes(value), signature })) {
    throw chainErrors.fail("light.bad_header_signature", { details: { height: value.height } });
  }
}

/** Answer of `state.get {prove: true}`: value (hex) of a key, its proof, and the header whose `appHash` the proof meets. */
export const provenValue = s.struct({
  value: s.nullable(s.hex({ maxLength: 16 * 1024 * 1024 })),
  proof: stateProof,
  signedHeader,
});
export type ProvenValue = Infer<typeof provenValue>;

export interface ProofCheck {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly proof: StateProof;
  readonly signedHeader: SignedHeader;
  readonly trust: TrustedGenesis;
  /** Highest height this verifier saw before: an older header hides what happened since. */
  readonly minHeight: number;
  readonly nowMs: number;
  readonly maxAgeMs: number;
}

/** @throws GridError light.wrong_chain, light.bad_header_signature, light.stale_header, light.bad_proof */
export function verifyProven(check: ProofCheck): void {
  const { signedHeader: signed, minHeight, nowMs, maxAgeMs } = check;
  verifyHeader(signed, check.trust);
  const ageMs = nowMs - signed.header.timeMs;
  // A header from the future is as wrong as an old one: it would stay "fresh" for too long.
  if (signed.header.height < minHeight || Math.abs(ageMs) > maxAgeMs) {
    throw chainErrors.fail("light.stale_header", {
      message: `The header of height ${signed.header.height} is ${ageMs} ms old; at least height ${minHeight} and at most ${maxAgeMs} ms are trusted.`,
      details: { height: signed.header.height, minHeight, ageMs, maxAgeMs },
    });
  }
  if (!verifyStateProof({ root: signed.header.appHash, key: check.key, value: check.value, proof: check.proof })) {
    throw chainErrors.fail("light.bad_proof", { details: { key: check.key, height: signed.header.height } });
  }
}
