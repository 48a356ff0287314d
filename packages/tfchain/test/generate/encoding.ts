/** `node packages/tfchain/test/generate/encoding.ts`: writes vectors/encoding.json anew. The bytes of invalid rows are written by hand. */
import * as dagCbor from "@ipld/dag-cbor";
import { type JsonValue, bytesToHex, cidOf, utf8 } from "@tfgrid/primitives";
import { CID } from "multiformats/cid";
import { writeVectors } from "./write.ts";

const about =
  "The one encoding of a value: DAG-CBOR. `valid` rows decode to `value` and encode to `hex` again: {bigint} is an integer as text, {bytes} a byte string in hex, {link} a CID in base32. `invalid` rows are refused whatever type is wanted, for the reason that is their class. The ledger knows null, booleans, integers of 64 bits, text, byte strings, lists, maps and links.";

const link = cidOf(utf8("a document"));
type Row = readonly [value: JsonValue, raw: unknown];
const plain = (value: JsonValue): Row => [value, value];
const VALID: readonly Row[] = [
  ...[0, 23, 24, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, 9_007_199_254_740_991, -1, -24, -25, -256, -257, -9_007_199_254_740_991].map(plain),
  ...[9_007_199_254_740_992n, 9_223_372_036_854_775_807n, 18_446_744_073_709_551_615n, -9_007_199_254_740_993n, -9_223_372_036_854_775_808n].map((value): Row => [{ bigint: value.toString() }, value]),
  ...[false, true, null, "", "a", "é", "😀", "x".repeat(23), "x".repeat(24), "x".repeat(256)].map(plain),
  ...["", "00", "01".repeat(23), "02".repeat(24), "03".repeat(256)].map((hex): Row => [{ bytes: hex }, Uint8Array.from(Buffer.from(hex, "hex"))]),
  ...[[], [1, 2, 3], [[], [[]]], {}, { a: 1 }, { b: 2, a: 1, aa: null, B: true }, { id: 1, "longer-name": [{ x: {} }] }].map(plain),
  [{ link }, CID.parse(link)],
  [{ a: { link }, b: { bytes: "ff" } }, { a: CID.parse(link), b: Uint8Array.of(255) }],
];

const INVALID: Readonly<Record<string, readonly string[]>> = {
  "integer not in its shortest form": ["1800", "1817", "190000", "1900ff", "1a0000ffff", "1b00000000ffffffff", "3800", "3900ff", "3b0000000000000000"],
  "length not in its shortest form": ["5800", "580101", "59000101", "780161", "79000161", "9800", "9a0000000101", "b800", "b90001616101"],
  "tag not in its shortest form": ["d9002a582500017112200000000000000000000000000000000000000000000000000000000000000000"],
  "indefinite length": ["5f4100ff", "5fff", "7f6161ff", "9f01ff", "9fff", "bf616101ff", "bfff", "81ff", "ff"],
  "reserved additional information": ["1c", "1d", "1e", "3c", "5d", "7e", "9c", "bd", "dc", "fc"],
  "keys out of order": ["a2616201616102", "a262616101616202", "a2616101614102", "a1617aa2616201616102"],
  "key given twice": ["a2616101616101", "a2616101616102", "a3616101616202616203"],
  "key that is no text": ["a10102", "a1410102", "a1f600", "a18000", "a1d82a410000"],
  "trailing bytes": ["0000", "8000", "616100", "f6f6", "a0a0"],
  "ends early": ["", "18", "1901", "1b00000000", "41", "6261", "810181", "82", "a1", "a16161", "d82a", "5affffffff", "9affffffff", "bb001fffffffffffff"],
  "floating point": ["f93c00", "f90000", "fa3f800000", "fb3ff0000000000000", "fb3ff8000000000000", "fb0000000000000000", "fb8000000000000000", "f97e00", "f97c00", "f9fc00", "fb7ff8000000000000", "fb7ff0000000000000", "fbfff0000000000000"],
  "tag that is no link": ["c000", "c11a00000000", "c2420100", "c249010000000000000000", "d74101", "d81800", "d9d9f700"],
  "link that is none": ["d82a00", "d82a6161", "d82a40", "d82a4101", "d82a4100", "d82a5824017112200000000000000000000000000000000000000000000000000000000000000000", "d82a582501017112200000000000000000000000000000000000000000000000000000000000000000"],
  "link of another kind than CIDv1, DAG-CBOR, SHA-256": [
    `d82a58250001551220${"00".repeat(32)}`,
    `d82a58250001701220${"00".repeat(32)}`,
    `d82a5823001220${"00".repeat(32)}`,
    `d82a58250001711120${"00".repeat(32)}`,
    `d82a58150001711210${"00".repeat(16)}`,
  ],
  "simple value that is not false, true or null": ["f7", "e0", "f0", "f3", "f800", "f818", "f820", "f8ff"],
  "text that is no UTF-8": ["61ff", "62c080", "62c328", "63eda080", "64f4908080", "64f0808080", "63e28228"],
  "text that begins with a byte order mark": ["63efbbbf", "64efbbbf61"],
  "integer beyond 64 bits": ["c249010000000000000000", "3bffffffffffffffff"],
};

const valid = VALID.map(([value, raw]) => ({ hex: bytesToHex(dagCbor.encode(raw)), value }));
const invalid = Object.entries(INVALID).flatMap(([reason, rows]) => rows.map((hex) => ({ class: reason, hex })));
writeVectors("encoding.json", { about, valid, invalid });
