/** Bytes that another implementation must read as we do, and bytes that both must refuse. */
import { readFileSync } from "node:fs";
import { type CidText, type JsonValue, type Schema, bytesToHex, decode, encode, hexToBytes, isGridError, s, schemaErrors } from "@tfgrid/primitives";
import { CID } from "multiformats/cid";
import { describe, expect, it } from "vitest";
import { signedTransaction } from "../../src/types/calls.ts";
import { isCanonical } from "../fuzz/canonical.ts";

interface Vectors {
  readonly valid: readonly { readonly hex: string; readonly value: JsonValue }[];
  readonly invalid: readonly { readonly class: string; readonly hex: string }[];
}
const vectors = JSON.parse(readFileSync(new URL("../../vectors/encoding.json", import.meta.url), "utf8")) as Vectors;
const LIMITS = { maxBytes: 1 << 20 };
const [LEAST, MOST] = [-(2n ** 63n), 2n ** 64n - 1n];

const refuse = (what: string): never => {
  throw schemaErrors.fail("codec.invalid_value", { message: what });
};

/** Any value that the ledger knows, in the vectors' JSON form. */
const ledgerValue: Schema<JsonValue> = {
  fromCbor: (value) => read(value),
  toCbor: (value) => write(value),
  fromJson: (value) => value as JsonValue,
  toJson: (value) => value,
  jsonSchema: () => ({}),
};

function read(value: unknown): JsonValue {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : refuse("a float");
  if (typeof value === "bigint") return value >= LEAST && value <= MOST ? { bigint: value.toString() } : refuse("beyond 64 bits");
  if (value instanceof Uint8Array) return { bytes: bytesToHex(value) };
  const link = CID.asCID(value);
  if (link !== null) return { link: s.cid.fromCbor(link) as string };
  if (Array.isArray(value)) return value.map(read);
  if (typeof value !== "object") return refuse(`a ${typeof value}`);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, read(entry)]));
}

function write(value: JsonValue): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(write);
  const fields = value as Readonly<Record<string, JsonValue>>;
  if (typeof fields["bigint"] === "string") return BigInt(fields["bigint"]);
  if (typeof fields["bytes"] === "string") return hexToBytes(fields["bytes"]);
  if (typeof fields["link"] === "string") return s.cid.toCbor(fields["link"] as CidText);
  return Object.fromEntries(Object.entries(fields).map(([key, entry]) => [key, write(entry)]));
}

describe("the one encoding", () => {
  it.each(vectors.valid)("$hex", ({ hex, value }) => {
    expect(decode(ledgerValue, hexToBytes(hex), LIMITS)).toEqual(value);
    expect(bytesToHex(encode(ledgerValue, value))).toBe(hex);
    expect(isCanonical(hexToBytes(hex))).toBe(true);
  });

  it.each(vectors.invalid)("refuses $hex: $class", ({ hex }) => {
    for (const schema of [ledgerValue as Schema<unknown>, signedTransaction as Schema<unknown>]) {
      const refused = catchOf(() => decode(schema, hexToBytes(hex), LIMITS));
      expect(isGridError(refused) ? refused.code : refused).toMatch(/^codec\.(not_canonical|invalid_value)$/);
    }
  });

  it("names every class more than once in all", () => {
    expect(new Set(vectors.invalid.map((row) => row.class)).size).toBeGreaterThan(15);
  });
});

describe("bounds", () => {
  it("bytes beyond the place's bound are not even looked at", () => {
    expect(catchOf(() => decode(ledgerValue, new Uint8Array(11), { maxBytes: 10 }))).toMatchObject({ code: "codec.too_large" });
  });

  it.each([0x81, 0xa1, 0xd8, 0x9f])("depth without end is refused and not a fault: head %i", (head) => {
    for (const length of [100, 10_000, 500_000]) {
      const refused = catchOf(() => decode(signedTransaction as Schema<unknown>, new Uint8Array(length).fill(head), LIMITS));
      expect(refused).toMatchObject({ code: expect.stringMatching(/^codec\./) as string });
    }
  });

  it("a length that promises more than there is takes no memory", () => {
    const before = process.memoryUsage().arrayBuffers;
    for (const hex of ["5b0000000fffffffff", "9b0000000fffffffff", "bb0000000fffffffff", "7b0000000fffffffff"]) {
      expect(catchOf(() => decode(ledgerValue, hexToBytes(hex), LIMITS))).toMatchObject({ code: "codec.not_canonical" });
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  it("a tag of a union that is a huge integer is refused by its code", () => {
    // {"type": 2^64 - 1}, as a call
    const refused = catchOf(() => decode(s.union({ a: s.struct({}) }), hexToBytes("a164747970651bffffffffffffffff"), LIMITS));
    expect(refused).toMatchObject({ code: "codec.invalid_value" });
  });
});

function catchOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
