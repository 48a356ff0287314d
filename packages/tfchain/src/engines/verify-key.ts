/**
 * The ledger's fast signature check: OpenSSL through node:crypto, about 80 us. It decides exactly as `verify` of primitives does
 * (vectors prove it): keys of small order and non-canonical keys are refused beforehand; what OpenSSL accepts, the strict rule
 * accepts too. OpenSSL's equation has no cofactor, so it also refuses some signatures with a torsion part that the strict
 * rule accepts: a refusal is therefore decided by primitives.
 */
import { type KeyObject, createPublicKey, verify as cryptoVerify } from "node:crypto";
import { type AccountId, type Hex, bytesToHex, domainBytes, hexToBytes, isSmallOrder, verify as verifyPure } from "@tfgrid/primitives";
import { ENGINE_LIMITS } from "../limits.ts";

type VerifyOptions = Parameters<typeof verifyPure>[0];
const TX_DOMAIN = "tfgrid/tx/v1";
/** `null`: this key can sign nothing. */
const known = new Map<string, KeyObject | null>();

function keyOf(account: string): KeyObject | null {
  const kept = known.get(account);
  if (kept !== undefined) return kept;
  if (known.size >= ENGINE_LIMITS.knownKeys) known.delete(known.keys().next().value as string);
  const key = importKey(account);
  known.set(account, key);
  return key;
}

function importKey(account: string): KeyObject | null {
  if (!/^[0-9a-f]{64}$/.test(account)) return null;
  const raw = hexToBytes(account);
  if (isSmallOrder(raw)) return null;
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(raw).toString("base64url") }, format: "jwk" });
}

const signatureBytes = (signature: string): Uint8Array | undefined => (/^[0-9a-f]{128}$/.test(signature) ? hexToBytes(signature) : undefined);

/** Same signature and same answers as `verify` of primitives. */
export function verifyFast(options: VerifyOptions): boolean {
  const key = keyOf(options.account);
  const signature = signatureBytes(options.signature);
  if (key === null || signature === undefined) return verifyPure(options);
  return cryptoVerify(null, domainBytes(options.domain, options.message), key, signature) || verifyPure(options);
}

export interface SignedBytes {
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
  /** With the domain label of transactions in front. */
  readonly bytes: Uint8Array;
}

/** A transaction's signature. */
export function verifySigned({ key, signature, bytes }: SignedBytes): boolean {
  const account = bytesToHex(key);
  const known = keyOf(account);
  if (known === null) return false;
  if (cryptoVerify(null, bytes, known, signature)) return true;
  const message = bytes.subarray(TX_DOMAIN.length + 1);
  return verifyPure({ account: account as string as AccountId, domain: TX_DOMAIN, message, signature: bytesToHex(signature) as Hex });
}
