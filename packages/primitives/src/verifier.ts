/**
 * Ed25519 checking by one rule (RFC 8032, canonical encodings, small-order keys refused), whatever checks: OpenSSL where the program
 * runs under Node (about 70 us), pure JavaScript in a browser (about 1 ms), or what a caller brings along. What OpenSSL accepts from a
 * key that the rule allows, the rule accepts too (vectors prove it). Its equation has no cofactor, so it also refuses some signatures
 * with a torsion part that the rule accepts: a refusal is therefore always decided by the pure one.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { PRIMITIVE_LIMITS } from "./limits.ts";
import { nodeCrypto } from "./node-crypto.ts";
import { bytesToHex } from "./schema.ts";

export interface SignedBytes {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  /** What was signed, with its domain label in front. */
  readonly bytes: Uint8Array;
}

/** Of a public key for Ed25519 (RFC 8410, section 4): what stands before its 32 bytes. */
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

const crypto = nodeCrypto();
/** `null`: this key can sign nothing. */
const known = new Map<string, object | null>();

function keyOf(raw: Uint8Array): object | null {
  const id = bytesToHex(raw);
  const kept = known.get(id);
  if (kept !== undefined) return kept;
  if (known.size >= PRIMITIVE_LIMITS.knownKeys) known.delete(known.keys().next().value as string);
  const key = isSmallOrder(raw) ? null : (crypto?.createPublicKey({ key: Uint8Array.of(...SPKI_PREFIX, ...raw), format: "der", type: "spki" }) ?? null);
  known.set(id, key);
  return key;
}

export interface VerifyOptions {
  /** false: the pure one, wherever it runs. */
  readonly native: boolean;
  /** Asked instead of OpenSSL. What it accepts the rule must accept, small-order and non-canonical keys included; it may refuse more. */
  readonly first?: ((signed: SignedBytes) => boolean) | undefined;
}

/** Malformed keys and signatures are invalid, never an error. */
export function verifyBytes(signed: SignedBytes, options: VerifyOptions = { native: true }): boolean {
  if (signed.key.length !== 32 || signed.signature.length !== 64) return false;
  if (options.first !== undefined) return options.first(signed) || verifyPure(signed);
  if (!options.native || crypto === undefined) return verifyPure(signed);
  const key = keyOf(signed.key);
  if (key === null) return false;
  return crypto.verify(null, signed.bytes, key, signed.signature) || verifyPure(signed);
}

function verifyPure({ key, signature, bytes }: SignedBytes): boolean {
  try {
    return !isSmallOrder(key) && ed25519.verify(signature, bytes, key, { zip215: false });
  } catch {
    // A malformed key or signature is an invalid signature, not a failure of ours.
    return false;
  }
}

/** True for keys of small order and for encodings that are no point: such "keys" make signatures that fit many messages. */
export function isSmallOrder(publicKey: Uint8Array): boolean {
  try {
    return ed25519.Point.fromBytes(publicKey).isSmallOrder();
  } catch {
    return true;
  }
}
