/**
 * `node packages/tfchain/test/generate/ed25519.ts`: writes vectors/ed25519.json anew. The signatures that libraries disagree on:
 * points with a torsion part, encodings that are not canonical, scalars beyond the group's order.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { type JsonValue, bytesToHex, concatBytes, domainBytes, equalBytes, hexToBytes, utf8 } from "@tfgrid/primitives";
import { writeVectors } from "./write.ts";

const { Point } = ed25519;
const DOMAIN = "tfgrid/tx/v1";
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const P = 2n ** 255n - 19n;
const SIGN_BIT = 1n << 255n;
/** Of order 8: its multiples are all points of small order. */
const TORSION = Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
type Curve = typeof TORSION;
const SECRET = 123_456_789_012_345_678_901_234_567_890n;
const NONCE = 987_654_321_098_765_432_109n;

const little = (value: bigint): Uint8Array => Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));
const fromLittle = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const signBytesOf = (message: string): Uint8Array => domainBytes(DOMAIN, utf8(message));
const challenge = (r: Uint8Array, a: Uint8Array, message: string): bigint => fromLittle(sha512(concatBytes(r, a, signBytesOf(message)))) % L;
const times = (point: Curve, factor: bigint): Curve => (factor % L === 0n ? Point.ZERO : point.multiplyUnsafe(factor % L));
const torsion = (order8: number): Curve => times(TORSION, BigInt(order8));

interface Parts {
  readonly secret: bigint;
  readonly nonce: bigint;
  readonly keyTorsion: number;
  readonly rTorsion: number;
  /** Encodings in place of the points' own. */
  readonly keyBytes?: Uint8Array;
  readonly rBytes?: Uint8Array;
  /** What is hashed in place of the bytes that are sent. */
  readonly hashed?: "canonical";
  readonly addToS?: bigint;
}

interface Signed {
  readonly account: string;
  readonly signature: string;
  readonly message: string;
  readonly cofactorless: boolean;
}

function signed(parts: Parts, message: string): Signed {
  const { secret, nonce, keyTorsion, rTorsion, addToS = 0n } = parts;
  const key = times(Point.BASE, secret).add(torsion(keyTorsion));
  const commitment = times(Point.BASE, nonce).add(torsion(rTorsion));
  const [own, ownR] = [key.toBytes(), commitment.toBytes()];
  const [keyBytes, rBytes] = [parts.keyBytes ?? own, parts.rBytes ?? ownR];
  const h = parts.hashed === "canonical" ? challenge(ownR, own, message) : challenge(rBytes, keyBytes, message);
  const s = (nonce + h * secret) % L;
  // What is left of the equation without the cofactor is torsion alone.
  const left = torsion(Number((h * BigInt(keyTorsion) + BigInt(rTorsion)) % 8n));
  return { account: bytesToHex(keyBytes), signature: bytesToHex(concatBytes(rBytes, little(s + addToS))), message, cofactorless: left.equals(Point.ZERO) };
}

/** The first message for which the equation without the cofactor holds, or does not. */
function search(parts: Parts, cofactorless: boolean): Signed {
  for (let index = 0; index < 1_000; index += 1) {
    const found = signed(parts, `message ${index}`);
    if (found.cofactorless === cofactorless) return found;
  }
  throw new Error("no such message");
}

const MIXED = { secret: SECRET, nonce: NONCE, keyTorsion: 1, rTorsion: 3 } as const;
const PLAIN = { secret: SECRET, nonce: NONCE, keyTorsion: 0, rTorsion: 0 } as const;
/** Identity as y = p + 1, and y = p with x = 0 on a point of order 4. */
const IDENTITY_ABOVE_P = little(P + 1n);
const ORDER_4_ABOVE_P = little(P);
const order4 = [2, 6].find((order8) => (fromLittle(torsion(order8).toBytes()) & SIGN_BIT) === 0n) as number;

const cases: JsonValue[] = [];
function add(name: string, found: Signed, valid: boolean): void {
  const { account, signature, message } = found;
  const zip215 = tryVerify(signature, message, account);
  cases.push({ name, account, message, signBytes: bytesToHex(signBytesOf(message)), signature, valid, cofactorlessEquation: found.cofactorless, zip215 });
}

function tryVerify(signature: string, message: string, account: string): boolean {
  try {
    return ed25519.verify(hexToBytes(signature), signBytesOf(message), hexToBytes(account), { zip215: true });
  } catch {
    return false;
  }
}

add("plain", signed(PLAIN, "message"), true);
add("0: S = 0, small-order key, small-order R", search({ secret: 0n, nonce: 0n, keyTorsion: 1, rTorsion: 3 }, true), false);
add("1: small-order key, mixed R", search({ secret: 0n, nonce: NONCE, keyTorsion: 1, rTorsion: 3 }, true), false);
add("2: mixed key, small-order R, both equations hold", search({ ...MIXED, nonce: 0n }, true), true);
add("3: mixed key, mixed R, both equations hold", search(MIXED, true), true);
add("4: mixed key, mixed R, only the equation with the cofactor holds", search(MIXED, false), true);
add("5: mixed key, only the equation with the cofactor holds", search({ ...MIXED, rTorsion: 0 }, false), true);
add("6: S + L", signed({ ...PLAIN, addToS: L }, "message"), false);
add("7: S + 15 L", signed({ ...PLAIN, addToS: 15n * L }, "message"), false);
add("8: mixed key, small-order R not canonical, hashed as sent", search({ ...MIXED, nonce: 0n, rTorsion: 0, rBytes: IDENTITY_ABOVE_P }, true), false);
add("9: mixed key, small-order R not canonical, hashed canonically", search({ ...MIXED, nonce: 0n, rTorsion: 0, rBytes: IDENTITY_ABOVE_P, hashed: "canonical" }, true), false);
add("10: small-order key not canonical, hashed as sent", search({ secret: 0n, nonce: NONCE, keyTorsion: order4, rTorsion: 0, keyBytes: ORDER_4_ABOVE_P }, true), false);
add("11: small-order key not canonical, hashed canonically", search({ secret: 0n, nonce: NONCE, keyTorsion: order4, rTorsion: 0, keyBytes: ORDER_4_ABOVE_P, hashed: "canonical" }, true), false);
add("mixed key, R without torsion, both equations hold", search({ ...MIXED, rTorsion: 0 }, true), true);
add("R with torsion, only the equation with the cofactor holds", search({ ...PLAIN, rTorsion: 5 }, false), true);
add("small-order R, R = identity", signed({ ...PLAIN, nonce: 0n }, "message"), true);
add("another message", { ...signed(PLAIN, "message"), message: "another", cofactorless: false }, false);
add("R = identity, S = L", { ...signed({ ...PLAIN, nonce: 0n, secret: 0n, keyBytes: times(Point.BASE, SECRET).toBytes(), addToS: L }, "message"), cofactorless: false }, false);

/** Every encoding of every point of small order, as key of a signature that fits all messages: R = identity, S = 0. */
const encodings = new Map<string, Curve>();
for (let order8 = 0; order8 < 8; order8 += 1) {
  const own = torsion(order8).toBytes();
  const y = fromLittle(own) & ~SIGN_BIT;
  for (const above of [y, y + P]) {
    for (const sign of [0n, SIGN_BIT]) {
      if (above >= SIGN_BIT) continue;
      const bytes = little(above | sign);
      const same = equalBytes(bytes, own);
      // A wrong sign is another point, unless x is 0: then it is a second encoding.
      if (same || times(torsion(order8), 2n).equals(Point.ZERO) || above !== y) encodings.set(bytesToHex(bytes), torsion(order8));
    }
  }
}
for (const account of [...encodings.keys()].sort()) {
  const signature = `01${"00".repeat(63)}`;
  const h = challenge(hexToBytes(signature).subarray(0, 32), hexToBytes(account), "message");
  const cofactorless = times(encodings.get(account) as Curve, h).equals(Point.ZERO);
  add(`small-order key ${account.slice(0, 6)}…${account.slice(-2)}`, { account, signature, message: "message", cofactorless }, false);
}
const good = signed(PLAIN, "message");
for (const [name, keyBytes] of [
  ["key that is no point", little(2n)],
  ["key above p that is no small-order point", little(P + 3n)],
  ["key of ff", new Uint8Array(32).fill(255)],
] as const) {
  add(name, { ...good, account: bytesToHex(keyBytes), cofactorless: false }, false);
}
for (const [name, rBytes] of [
  ["R that is no point", little(2n)],
  ["R above p", little(P + 3n)],
  ["R of ff", new Uint8Array(32).fill(255)],
] as const) {
  add(name, { ...good, signature: bytesToHex(concatBytes(rBytes, hexToBytes(good.signature).subarray(32))), cofactorless: false }, false);
}

writeVectors("ed25519.json", {
  about:
    "One rule for every signature of the ledger (docs/decisions/0003): S < L; key and R are canonical encodings of points; the key is not of small order; 8 S B = 8 R + 8 h A. valid: the verdict by this rule over signBytes (domain label, zero byte, message). cofactorlessEquation: whether S B = R + h A holds as points, and zip215: the verdict of ZIP 215, for comparison with other libraries. 0 to 11 are the kinds of case that Ed25519 implementations are commonly compared by.",
  cases,
});
