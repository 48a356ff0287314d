/** One rule for signatures: OpenSSL, pure JavaScript and other threads answer the same, also where libraries usually differ. */
import { createPublicKey, verify as cryptoVerify } from "node:crypto";
import { readFileSync } from "node:fs";
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { type AccountId, type Hex, bytesToHex, concatBytes, domainBytes, hexToBytes, isSmallOrder, keyPairFromSeed, utf8, verify, verifyBytes, verifyZip215 } from "@tfgrid/primitives";
import { describe, expect, it, test } from "vitest";
import { type CheckSignature, loadLibsodium } from "../../src/engines/libsodium.ts";
import { verifyTx } from "../../src/engines/verify.ts";

const DOMAIN = "tfgrid/tx/v1";
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const P = 2n ** 255n - 19n;
const key = keyPairFromSeed(new Uint8Array(32).fill(5));
const message = utf8("message");
const signed = domainBytes(DOMAIN, message);
const good = key.sign(DOMAIN, message);

const little = (value: bigint): Uint8Array => {
  const out = new Uint8Array(32);
  for (let index = 0, rest = value; index < 32; index += 1, rest >>= 8n) out[index] = Number(rest & 255n);
  return out;
};
const fromLittle = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const { Point } = ed25519;
/** A point of order 8. */
const TORSION = Point.fromBytes(hexToBytes("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"));
const scalar = 123_456_789_012_345n;
const challenge = (r: Uint8Array, a: Uint8Array): bigint => fromLittle(sha512(concatBytes(r, a, signed))) % L;

/** A signature whose R and key may carry a torsion part; the equation holds with the cofactor. */
function mixed(options: { readonly keyTorsion: boolean; readonly rTorsion: boolean }): { account: Hex; signature: Hex } {
  const nonce = 987_654_321n;
  const secret = Point.BASE.multiply(scalar);
  const a = (options.keyTorsion ? secret.add(TORSION) : secret).toBytes();
  const commitment = Point.BASE.multiply(nonce);
  const r = (options.rTorsion ? commitment.add(TORSION) : commitment).toBytes();
  const s = (nonce + challenge(r, a) * scalar) % L;
  return { account: bytesToHex(a), signature: bytesToHex(concatBytes(r, little(s))) };
}

const s = fromLittle(hexToBytes(good).subarray(32));
const cases: Record<string, { account: string; signature: string }> = {
  good: { account: key.account, signature: good },
  "altered R": { account: key.account, signature: `00${good.slice(2)}` },
  "altered S": { account: key.account, signature: `${good.slice(0, 126)}00` },
  "S + L": { account: key.account, signature: `${good.slice(0, 64)}${bytesToHex(little(s + L))}` },
  "S = 0, R = 0": { account: key.account, signature: "00".repeat(64) },
  "other key": { account: keyPairFromSeed(new Uint8Array(32).fill(6)).account, signature: good },
  "key of order 1": { account: `01${"00".repeat(31)}`, signature: `01${"00".repeat(63)}` },
  "key of order 8": { account: bytesToHex(TORSION.toBytes()), signature: `01${"00".repeat(63)}` },
  "key of order 4": { account: "00".repeat(32), signature: `01${"00".repeat(63)}` },
  "non-canonical key y = p": { account: bytesToHex(little(P)), signature: good },
  "non-canonical key y = p + 1": { account: bytesToHex(little(P + 1n)), signature: `01${"00".repeat(63)}` },
  "key with the sign of zero": { account: `01${"00".repeat(30)}80`, signature: `01${"00".repeat(63)}` },
  "key that is no point": { account: `02${"00".repeat(31)}`, signature: good },
  "non-canonical R": { account: key.account, signature: `${bytesToHex(little(P + 1n))}${good.slice(64)}` },
  "no torsion, made by hand": mixed({ keyTorsion: false, rTorsion: false }),
  "torsion in the key": mixed({ keyTorsion: true, rTorsion: false }),
  "torsion in R": mixed({ keyTorsion: false, rTorsion: true }),
  "torsion in both": mixed({ keyTorsion: true, rTorsion: true }),
  "upper-case key": { account: key.account.toUpperCase(), signature: good },
  "upper-case signature": { account: key.account, signature: good.toUpperCase() },
  "short signature": { account: key.account, signature: good.slice(2) },
  "short key": { account: key.account.slice(2), signature: good },
};

interface Row {
  readonly name: string;
  readonly account: AccountId;
  readonly message: string;
  readonly signBytes: string;
  readonly signature: Hex;
  readonly valid: boolean;
  readonly cofactorlessEquation: boolean;
  readonly zip215: boolean;
}
const published = JSON.parse(readFileSync(new URL("../../vectors/ed25519.json", import.meta.url), "utf8")) as { readonly cases: readonly Row[] };

/** As a browser does it. */
function verifyPure({ account, domain, message: text, signature }: Parameters<typeof verify>[0]): boolean {
  if (!/^[0-9a-f]{64}$/.test(account) || !/^[0-9a-f]{128}$/.test(signature)) return false;
  return verifyBytes({ key: hexToBytes(account), signature: hexToBytes(signature), bytes: domainBytes(domain, text) }, { native: false });
}

describe("the published cases", () => {
  it.each(published.cases)("$name", async (row) => {
    const { account, signature } = row;
    const options = { account, signature, domain: DOMAIN, message: utf8(row.message) } as const;
    const signBytes = hexToBytes(row.signBytes);
    expect(bytesToHex(domainBytes(DOMAIN, options.message))).toBe(row.signBytes);
    const verdicts = {
      pure: verifyPure(options),
      native: verify(options),
      // A second time: what is remembered of a key must not change the answer.
      again: verify(options),
      threads: await verifyTx({ account, signBytes, signature }),
    };
    expect(verdicts).toEqual({ pure: row.valid, native: row.valid, again: row.valid, threads: row.valid });
  });

  it("hold both equations and every way of refusing apart", () => {
    const only = published.cases.filter(({ valid, cofactorlessEquation }) => valid && !cofactorlessEquation);
    expect(only.length).toBeGreaterThanOrEqual(3);
    // Whoever follows the permissive rule takes more: that is why one rule is written down.
    expect(published.cases.filter(({ valid, zip215 }) => zip215 && !valid).length).toBeGreaterThan(10);
    // ...and takes nothing less: what the ledger accepts, a validator's own library accepts too.
    expect(published.cases.filter(({ valid, zip215 }) => valid && !zip215)).toEqual([]);
    // All fourteen encodings of the eight points of small order.
    expect(published.cases.filter(({ name }) => name.startsWith("small-order key "))).toHaveLength(14);
  });

  it("would split the ledger if OpenSSL decided alone", () => {
    const openSsl = ({ account, signature, signBytes }: Row): boolean => {
      const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(account, "hex").toString("base64url") }, format: "jwk" });
      return cryptoVerify(null, hexToBytes(signBytes), key, hexToBytes(signature));
    };
    // It refuses signatures with a torsion part that the rule accepts, and which ones changes from release to release.
    expect(published.cases.filter((row) => row.valid && !openSsl(row)).length).toBeGreaterThanOrEqual(3);
    // Where it is asked first its yes is believed: so it must never say yes where the rule says no, small-order keys aside.
    expect(published.cases.filter((row) => !row.valid && openSsl(row) && !isSmallOrder(hexToBytes(row.account)))).toEqual([]);
  });

  it.runIf(loadLibsodium() !== undefined)("would be split by libsodium as well, which never says yes where the rule says no", () => {
    const sodium = loadLibsodium() as CheckSignature;
    const says = published.cases.map(({ account, signature, signBytes, valid }) => {
      const signed = { key: hexToBytes(account), signature: hexToBytes(signature), bytes: hexToBytes(signBytes) };
      return { valid, alone: sodium(signed), first: verifyBytes(signed, { native: true, first: sodium }) };
    });
    expect(says.filter(({ valid, alone }) => alone && !valid)).toEqual([]);
    expect(says.filter(({ valid, alone }) => valid && !alone).length).toBeGreaterThanOrEqual(3);
    expect(says.filter(({ valid, first }) => first !== valid)).toEqual([]);
  });

  it.each(published.cases)("votes of validators, by the rule of CometBFT: $name", (row) => {
    expect(verifyZip215({ publicKey: hexToBytes(row.account), message: hexToBytes(row.signBytes), signature: hexToBytes(row.signature) })).toBe(row.zip215);
  });
});

describe("ed25519", () => {
  test.each(Object.entries(cases))("%s: same answer from every check", async (_name, { account, signature }) => {
    const options = { account: account as AccountId, domain: DOMAIN, message, signature: signature as Hex } as const;
    const expected = verifyPure(options);
    expect(verify(options)).toBe(expected);
    expect(verify(options)).toBe(expected);
    const wellFormed = /^[0-9a-f]{64}$/.test(account) && /^[0-9a-f]{128}$/.test(signature);
    // Transactions are decoded first, so only well-formed text ever gets to the other threads.
    const threaded = wellFormed ? await verifyTx({ account: options.account, signBytes: signed, signature: options.signature }) : expected;
    expect(threaded).toBe(expected);
  });

  test("the cases include both answers, and torsion is among the accepted", () => {
    const answers = Object.entries(cases).map(([name, entry]) => [name, verify({ ...(entry as { account: AccountId; signature: Hex }), domain: DOMAIN, message })]);
    expect(Object.fromEntries(answers)).toMatchObject({ good: true, "no torsion, made by hand": true, "S + L": false, "key of order 8": false });
  });
});
