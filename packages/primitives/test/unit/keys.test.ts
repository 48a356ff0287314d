import { describe, expect, it } from "vitest";
import { type Hex, bytesToHex, generateKeyPair, hexToBytes, isSmallOrder, keyPairFromSeed, mnemonicOf, open, seal, seedOfMnemonic, systemEntropy, utf8, verify, wireguardKeys } from "../../src/index.ts";
import { ed25519Signer } from "../../src/signer.ts";

const pair = keyPairFromSeed(new Uint8Array(32).fill(7));
const message = utf8("hello");

describe("keys", () => {
  it("come back from their words", () => {
    expect(keyPairFromSeed(seedOfMnemonic(mnemonicOf(pair.secretSeed))).account).toBe(pair.account);
    expect(() => seedOfMnemonic("not twenty four words")).toThrow("mnemonic");
  });

  it("sign for one purpose only", () => {
    const signature = pair.sign("tfgrid/tx/v1", message);
    expect(verify({ account: pair.account, domain: "tfgrid/tx/v1", message, signature })).toBe(true);
    expect(verify({ account: pair.account, domain: "tfgrid/document/v1", message, signature })).toBe(false);
    expect(verify({ account: pair.account, domain: "tfgrid/tx/v1", message: utf8("hellO"), signature })).toBe(false);
    expect(verify({ account: pair.account, domain: "tfgrid/tx/v1", message, signature: "00" as Hex })).toBe(false);
  });

  it("sign alike by OpenSSL and by pure JavaScript: the example of RFC 8032, section 7.1, and random ones", () => {
    const seed = hexToBytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb" as Hex);
    const expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    for (const native of [true, false]) expect(bytesToHex(ed25519Signer(seed, { native })(Uint8Array.of(0x72))), String(native)).toBe(expected);
    for (let length = 0; length < 200; length += 13) {
      const [random, bytes] = [systemEntropy.randomBytes(32), systemEntropy.randomBytes(length)];
      expect(ed25519Signer(random)(bytes)).toEqual(ed25519Signer(random, { native: false })(bytes));
    }
  });

  it("refuse keys of small order, which verify many messages", () => {
    for (const bad of ["01" + "00".repeat(31), "00".repeat(32), "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"]) expect(isSmallOrder(hexToBytes(bad))).toBe(true);
    expect(isSmallOrder(pair.publicKey)).toBe(false);
  });

  it("derive separate keys for separate purposes", () => {
    const mesh = wireguardKeys(pair, "mesh");
    expect(mesh.privateKey).not.toEqual(wireguardKeys(pair, "other").privateKey);
    expect(mesh.privateKey).not.toEqual(pair.encryptionSecret);
  });
});

describe("sealed boxes", () => {
  const box = seal({ to: pair.encryptionKey, plaintext: message, context: "a", entropy: systemEntropy });
  it("open for the recipient in their place only", () => {
    expect(open({ secret: pair.encryptionSecret, box, context: "a" })).toEqual(message);
    expect(() => open({ secret: pair.encryptionSecret, box, context: "b" })).toThrow("cannot be opened");
    expect(() => open({ secret: generateKeyPair(systemEntropy).encryptionSecret, box, context: "a" })).toThrow("cannot be opened");
  });
  it("notice every altered byte", () => {
    for (let index = 0; index < box.length; index += 2) {
      const flipped = (Number.parseInt(box.slice(index, index + 2), 16) ^ 1).toString(16).padStart(2, "0");
      expect(() => open({ secret: pair.encryptionSecret, box: (box.slice(0, index) + flipped + box.slice(index + 2)) as Hex, context: "a" }), `byte ${index / 2}`).toThrow();
    }
  });
});
