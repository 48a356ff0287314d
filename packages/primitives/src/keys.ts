/**
 * One seed per twin. The Ed25519 key is the account and the libp2p peer key; encryption and WireGuard keys are derived
 * from the same seed by HKDF under their own labels, so that no key ever serves two purposes.
 */
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 as sha256Hash } from "@noble/hashes/sha2.js";
import { entropyToMnemonic, mnemonicToEntropy, validateMnemonic } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { concatBytes, utf8 } from "./codec.ts";
import { defineErrors } from "./errors.ts";
import type { AccountId, Hex } from "./ids.ts";
import type { Entropy } from "./ports.ts";
import { bytesToHex, hexToBytes } from "./schema.ts";
import { ed25519Signer } from "./signer.ts";
import { verifyBytes } from "./verifier.ts";

export const keyErrors = defineErrors({
  "keys.bad_mnemonic": {
    summary: "The words are not a valid BIP39 mnemonic.",
    cure: "Check spelling and order of the 24 words; the last word holds a checksum.",
  },
});

/** Why a signature was made. Signing under one label can never be replayed as another kind of statement. */
export type SignatureDomain =
  | "tfgrid/tx/v1"
  | "tfgrid/join-token/v1"
  | "tfgrid/document/v1"
  | "tfgrid/header/v1"
  | "tfgrid/request/v1"
  | "tfgrid/link-state/v1"
  | "tfgrid/report/v1"
  | "tfgrid/rotate-key/v1";

export interface KeyPair {
  readonly account: AccountId;
  readonly publicKey: Uint8Array;
  /** The 32-byte Ed25519 seed. Handed to libp2p and to nothing else. */
  readonly secretSeed: Uint8Array;
  /** X25519 public key for sealed boxes, hex. */
  readonly encryptionKey: Hex;
  sign(domain: SignatureDomain, message: Uint8Array): Hex;
  /** A 32-byte key under its own label, for example a WireGuard private key. */
  derive(label: string): Uint8Array;
  /** X25519 secret that opens what was sealed to `encryptionKey`. */
  readonly encryptionSecret: Uint8Array;
}

export function keyPairFromSeed(seed: Uint8Array): KeyPair {
  if (seed.length !== 32) throw new Error("a seed has 32 bytes");
  const publicKey = ed25519.getPublicKey(seed);
  const derive = (label: string): Uint8Array => hkdf(sha256Hash, seed, utf8("tfgrid"), utf8(label), 32);
  const encryptionSecret = derive("tfgrid/encryption/v1");
  const sign = ed25519Signer(seed);
  return {
    account: bytesToHex(publicKey) as string as AccountId,
    publicKey,
    secretSeed: seed,
    encryptionKey: bytesToHex(x25519.getPublicKey(encryptionSecret)),
    encryptionSecret,
    derive,
    sign: (domain, message) => bytesToHex(sign(domainBytes(domain, message))),
  };
}

/** The exact bytes that are signed: the domain label, a zero byte, the message. */
export function domainBytes(domain: SignatureDomain, message: Uint8Array): Uint8Array {
  return concatBytes(utf8(domain), new Uint8Array([0]), message);
}

/** Verifies by the strict rule (RFC 8032, canonical encodings, small-order keys refused): one rule for every backend. */
export function verify(options: {
  readonly account: AccountId;
  readonly domain: SignatureDomain;
  readonly message: Uint8Array;
  readonly signature: Hex;
}): boolean {
  if (!isHexOf(options.account, 32) || !isHexOf(options.signature, 64)) return false;
  return verifyBytes({ key: hexToBytes(options.account), signature: hexToBytes(options.signature), bytes: domainBytes(options.domain, options.message) });
}

const isHexOf = (text: string, bytes: number): boolean => text.length === 2 * bytes && /^[0-9a-f]*$/.test(text);

/**
 * Verifies a foreign Ed25519 signature over exactly these bytes by ZIP 215, the rule that CometBFT's validators count each other's
 * votes by. Never for statements of our own: those carry a domain and follow the strict rule of `verify`.
 */
export function verifyZip215(options: { readonly publicKey: Uint8Array; readonly message: Uint8Array; readonly signature: Uint8Array }): boolean {
  try {
    return ed25519.verify(options.signature, options.message, options.publicKey, { zip215: true });
  } catch {
    // A malformed key or signature is an invalid signature, not a failure of ours.
    return false;
  }
}

export function mnemonicOf(seed: Uint8Array): string {
  return entropyToMnemonic(seed, wordlist);
}

/** @throws GridError keys.bad_mnemonic */
export function seedOfMnemonic(mnemonic: string): Uint8Array {
  const normal = mnemonic.trim().toLowerCase().split(/\s+/).join(" ");
  if (!validateMnemonic(normal, wordlist)) throw keyErrors.fail("keys.bad_mnemonic");
  const seed = mnemonicToEntropy(normal, wordlist);
  if (seed.length !== 32) throw keyErrors.fail("keys.bad_mnemonic", { message: "A twin's mnemonic has 24 words." });
  return seed;
}

export function generateKeyPair(entropy: Entropy): KeyPair {
  return keyPairFromSeed(entropy.randomBytes(32));
}

/** WireGuard private and public key derived from a twin's seed under a label (RFC 7748 clamping by the library). */
export function wireguardKeys(pair: KeyPair, label: string): { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array } {
  const privateKey = pair.derive(`tfgrid/wireguard/v1/${label}`);
  return { privateKey, publicKey: x25519.getPublicKey(privateKey) };
}
