/** The little of node:crypto that is used for Ed25519 and SHA-256; looked up at run time, so that no bundler for browsers meets it. */
export interface NodeCrypto {
  createPrivateKey(options: { readonly key: Uint8Array; readonly format: "der"; readonly type: "pkcs8" }): object;
  createPublicKey(options: { readonly key: Uint8Array; readonly format: "der"; readonly type: "spki" }): object;
  hash(algorithm: "sha256", data: Uint8Array, encoding: "buffer"): Uint8Array;
  sign(algorithm: null, data: Uint8Array, key: object): Uint8Array;
  verify(algorithm: null, data: Uint8Array, key: object, signature: Uint8Array): boolean;
}

/** Undefined in a browser. */
export function nodeCrypto(): NodeCrypto | undefined {
  const { process } = globalThis as { readonly process?: { readonly getBuiltinModule?: (id: string) => unknown } };
  // Bundlers for browsers define `process` at times, though never this function.
  return process?.getBuiltinModule?.("node:crypto") as NodeCrypto | undefined;
}
