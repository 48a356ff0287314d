/**
 * Protocol Buffers as far as hashes and signatures of CometBFT need them: written only, with the fields in ascending order
 * and zero values left out, which is the one encoding that all validators sign.
 */
import { concatBytes, utf8 } from "@tfgrid/primitives";

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const EMPTY = new Uint8Array();

export function varint(value: bigint): Uint8Array {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return Uint8Array.from(out);
}

const tag = (field: number, wireType: number): Uint8Array => varint(BigInt((field << 3) | wireType));

export const uintField = (field: number, value: bigint | number): Uint8Array =>
  BigInt(value) === 0n ? EMPTY : concatBytes(tag(field, VARINT), varint(BigInt(value)));

export function sfixed64Field(field: number, value: number): Uint8Array {
  if (value === 0) return EMPTY;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return concatBytes(tag(field, FIXED64), bytes);
}

export const bytesField = (field: number, value: Uint8Array): Uint8Array => (value.length === 0 ? EMPTY : messageField(field, value));
export const textField = (field: number, value: string): Uint8Array => bytesField(field, utf8(value));
/** Written also when it is empty: CometBFT's generated code does so for messages that cannot be null. */
export const messageField = (field: number, value: Uint8Array): Uint8Array => concatBytes(tag(field, BYTES), varint(BigInt(value.length)), value);

const NS_PER_SECOND = 1_000_000_000n;
/** google.protobuf.Timestamp. */
export const timestamp = (ns: bigint): Uint8Array => concatBytes(uintField(1, ns / NS_PER_SECOND), uintField(2, ns % NS_PER_SECOND));
