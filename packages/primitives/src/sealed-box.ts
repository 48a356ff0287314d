/**
 * Sealed boxes: anyone can encrypt to an X25519 key, only its holder can open. Ephemeral X25519, HKDF-SHA-256 over the
 * shared secret and both public keys, ChaCha20-Poly1305 with a zero nonce (the key is used once).
 */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8 } from "./codec.ts";
import { defineErrors } from "./errors.ts";
import type { Hex } from "./ids.ts";
import type { Entropy } from "./ports.ts";
import { bytesToHex, hexToBytes } from "./schema.ts";

export const sealErrors = defineErrors({
  "seal.cannot_open": {
    summary: "The sealed value cannot be opened with this key.",
    cure: "It was sealed to another key or was altered: ask its author to seal it again to the key on the chain.",
  },
});

const NONCE = new Uint8Array(12);
const KEY_BYTES = 32;

/** `context` binds the box to its place (for example a contract and a secret's name), so that it cannot be moved. */
export function seal(options: {
  readonly to: Hex;
  readonly plaintext: Uint8Array;
  readonly context: string;
  readonly entropy: Entropy;
}): Hex {
  const secret = options.entropy.randomBytes(KEY_BYTES);
  const ephemeral = x25519.getPublicKey(secret);
  const recipient = hexToBytes(options.to);
  const key = boxKey(x25519.getSharedSecret(secret, recipient), ephemeral, recipient);
  return bytesToHex(concatBytes(ephemeral, chacha20poly1305(key, NONCE, utf8(options.context)).encrypt(options.plaintext)));
}

/** @throws GridError seal.cannot_open */
export function open(options: { readonly secret: Uint8Array; readonly box: Hex; readonly context: string }): Uint8Array {
  try {
    const box = hexToBytes(options.box);
    const ephemeral = box.subarray(0, KEY_BYTES);
    const key = boxKey(x25519.getSharedSecret(options.secret, ephemeral), ephemeral, x25519.getPublicKey(options.secret));
    return chacha20poly1305(key, NONCE, utf8(options.context)).decrypt(box.subarray(KEY_BYTES));
  } catch (cause) {
    throw sealErrors.fail("seal.cannot_open", { cause });
  }
}

function boxKey(shared: Uint8Array, ephemeral: Uint8Array, recipient: Uint8Array): Uint8Array {
  return hkdf(sha256, shared, concatBytes(ephemeral, recipient), utf8("tfgrid/sealed-box/v1"), KEY_BYTES);
}
