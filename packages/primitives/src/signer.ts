/**
 * Ed25519 signing: OpenSSL where the program runs under Node (about 50 us), pure JavaScript in a browser (about 2 ms). Ed25519 is
 * deterministic (RFC 8032, section 5.1.6): both make the same signature of the same message.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { nodeCrypto } from "./node-crypto.ts";

/** Of a PKCS #8 private key for Ed25519 (RFC 8410, section 7): what stands before the 32 bytes of the seed. */
const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);

/** `native: false`: the pure one, wherever it runs. */
export function ed25519Signer(seed: Uint8Array, options: { readonly native: boolean } = { native: true }): (message: Uint8Array) => Uint8Array {
  const crypto = options.native ? nodeCrypto() : undefined;
  if (crypto === undefined) return (message) => ed25519.sign(message, seed);
  let key: object | undefined;
  return (message) => {
    key ??= crypto.createPrivateKey({ key: Uint8Array.of(...PKCS8_PREFIX, ...seed), format: "der", type: "pkcs8" });
    return new Uint8Array(crypto.sign(null, message, key));
  };
}
