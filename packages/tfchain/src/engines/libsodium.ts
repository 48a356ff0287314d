/**
 * libsodium's check of a signature: about 42 us where OpenSSL takes 69. It is loaded by the threads that check signatures, and by nothing
 * else: it takes 9 MB, which a ledger that has little to check need not spend.
 */
import { createRequire } from "node:module";
import type { SignedBytes } from "@tfgrid/primitives";

export type CheckSignature = (signed: SignedBytes) => boolean;

/** What is used of the package, which has no types. Arguments of the wrong length throw. */
interface Sodium {
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
}

/** undefined: its program cannot be loaded on this machine (it comes compiled, for the usual ones). */
export function loadLibsodium(): CheckSignature | undefined {
  let sodium: Sodium;
  try {
    sodium = createRequire(import.meta.url)("sodium-native") as Sodium;
  } catch {
    // OpenSSL, which is always there, comes to the same verdicts in more time.
    return undefined;
  }
  return ({ key, signature, bytes }) => sodium.crypto_sign_verify_detached(signature, bytes, key);
}
