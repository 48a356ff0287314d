/** Canonical bytes: DAG-CBOR, decoded so strictly that a value has exactly one accepted encoding. */
import * as dagCbor from "@ipld/dag-cbor";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { CID } from "multiformats/cid";
import * as digest from "multiformats/hashes/digest";
import { DOUBT, Sink, Source, directOf } from "./direct.ts";
import { hasCode } from "./errors.ts";
import type { CidText } from "./ids.ts";
import { nodeCrypto } from "./node-crypto.ts";
import { type Schema, schemaErrors } from "./schema.ts";

const SHA2_256 = 0x12;

const crypto = nodeCrypto();

/** By OpenSSL where the program runs under Node: a transaction's hash takes less than half the time there. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  if (crypto !== undefined && parts.length === 1) return plain(crypto.hash("sha256", parts[0] as Uint8Array, "buffer"));
  const hash = nobleSha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Not a `Buffer`, which others compare and show differently. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);

const sink = new Sink();

/** Canonical DAG-CBOR of a value of this schema. @throws GridError codec.invalid_value */
export function encode<T>(schema: Schema<T>, value: T): Uint8Array {
  const direct = directOf(schema);
  const bytes = direct === undefined ? undefined : withoutDoubt(() => {
    sink.clear();
    direct.write(value, sink);
    return sink.taken();
  });
  return bytes ?? dagCbor.encode(schema.toCbor(value));
}

/** undefined: the general way decides, and finds the words when it is a refusal. */
function withoutDoubt<R>(run: () => R): R | undefined {
  try {
    return run();
  } catch (error) {
    if (error === DOUBT || hasCode(error, "codec.invalid_value")) return undefined;
    throw error;
  }
}

function readDirect<T>(schema: Schema<T>, bytes: Uint8Array): T | undefined {
  const direct = directOf(schema);
  if (direct === undefined) return undefined;
  return withoutDoubt(() => {
    const source = new Source(bytes);
    const value = direct.read(source);
    if (!source.atEnd) throw DOUBT;
    return value as T;
  });
}

export interface DecodeLimits {
  readonly maxBytes: number;
}

/**
 * Decodes canonical bytes only: what decodes must encode to the same bytes again, so no second encoding of a value
 * is ever accepted (a signature or content id then covers exactly one value).
 * @throws GridError codec.too_large, codec.not_canonical, codec.invalid_value
 */
export function decode<T>(schema: Schema<T>, bytes: Uint8Array, limits: DecodeLimits): T {
  if (bytes.length > limits.maxBytes) {
    throw schemaErrors.fail("codec.too_large", {
      message: `${bytes.length} bytes where at most ${limits.maxBytes} are allowed.`,
      details: { sizeBytes: bytes.length, maxBytes: limits.maxBytes },
    });
  }
  const plain = readDirect(schema, bytes);
  if (plain !== undefined) return plain;
  let raw: unknown;
  try {
    raw = dagCbor.decode(bytes);
  } catch (cause) {
    throw schemaErrors.fail("codec.not_canonical", { cause });
  }
  const value = schema.fromCbor(raw);
  if (!equalBytes(encode(schema, value), bytes)) throw schemaErrors.fail("codec.not_canonical");
  return value;
}

/**
 * Decodes bytes that `encode` made and that this program kept (its own store): skips the proof that they are canonical,
 * which costs a second encoding. Never for bytes from outside.
 */
export function decodeTrusted<T>(schema: Schema<T>, bytes: Uint8Array): T {
  return readDirect(schema, bytes) ?? schema.fromCbor(dagCbor.decode(bytes));
}

/** The content id of canonical bytes. */
export function cidOf(bytes: Uint8Array): CidText {
  return CID.createV1(dagCbor.code, digest.create(SHA2_256, sha256(bytes))).toString() as CidText;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

export const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);
export const fromUtf8 = (bytes: Uint8Array): string => new TextDecoder("utf-8", { fatal: true }).decode(bytes);
