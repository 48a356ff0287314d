/** The direct way of reading and writing never differs from the general one, which dag-cbor and the schemas' own checks make up. */
import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Sink, Source, directOf } from "../../src/direct.ts";
import { type Schema, bytesToHex, cidOf, decode, encode, hasCode, hexToBytes, isGridError, s } from "../../src/index.ts";

const variant = { a: s.uint({ max: 300 }), bb: s.optional(s.text({ maxLength: 70 })), id: s.nullable(s.cid), "zzzz-long-name-of-a-field": s.int({ min: -70_000, max: 5 }) };
const schema = s.struct({
  wide: s.units({ min: -(2n ** 63n) }),
  union: s.union({ one: s.struct(variant), two: s.struct({ money: s.units(), list: s.list(s.oneOf(["x", "yy"]), { max: 3, min: 1 }) }) }),
  link: s.cid,
  flag: s.bool,
  key: s.hex({ length: 32 }),
  few: s.hex({ maxLength: 300 }),
  number: s.uint(),
  maybe: s.optional(s.nullable(s.text({ maxLength: 8, pattern: /^[a-z]*$/ }))),
});
type Value = Parameters<typeof schema.toJson>[0];

const cids = fc.uint8Array({ maxLength: 3 }).map(cidOf);
const hexes = (limits: { minLength: number; maxLength: number }) => fc.uint8Array(limits).map(bytesToHex);
const edges = fc.constantFrom(0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER);
const wides = fc.oneof(fc.bigInt({ min: -(2n ** 53n), max: s.MAX_UNITS }), edges.map(BigInt), fc.constantFrom(-1n, -24n, -25n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, s.MAX_UNITS, -(2n ** 53n)));
const texts = fc.string({ maxLength: 70, unit: fc.constantFrom("a", "z", "é", "😀", "\u0000", "\ufeff", "\u007f", "\u0080") }).filter((value) => value.length <= 70 && !value.startsWith("\ufeff"));
const one = fc.record({ type: fc.constant("one" as const), a: fc.nat({ max: 300 }), bb: texts, id: fc.option(cids), "zzzz-long-name-of-a-field": fc.integer({ min: -70_000, max: 5 }) }, { requiredKeys: ["type", "a", "id", "zzzz-long-name-of-a-field"] });
const two = fc.record({ type: fc.constant("two" as const), money: fc.bigInt({ min: 0n, max: s.MAX_UNITS }), list: fc.array(fc.constantFrom("x" as const, "yy" as const), { minLength: 1, maxLength: 3 }) });
const values = fc.record(
  {
    wide: wides,
    union: fc.oneof(one, two),
    link: cids,
    flag: fc.boolean(),
    key: hexes({ minLength: 32, maxLength: 32 }),
    few: hexes({ minLength: 0, maxLength: 300 }),
    number: fc.oneof(edges, fc.maxSafeNat()),
    maybe: fc.option(fc.string({ unit: fc.constantFrom("a", "q"), maxLength: 8 })),
  },
  { requiredKeys: ["wide", "union", "link", "flag", "key", "few", "number"] },
) as fc.Arbitrary<Value>;

const generalEncode = (value: Value): Uint8Array => dagCbor.encode(schema.toCbor(value));
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** What the rule says, without the direct way: the value, or that it is refused. */
function generalDecode(bytes: Uint8Array): Value | undefined {
  try {
    const value = schema.fromCbor(dagCbor.decode(bytes));
    return same(generalEncode(value), bytes) ? value : undefined;
  } catch {
    return undefined;
  }
}

function decoded(bytes: Uint8Array): Value | undefined {
  try {
    return decode(schema, bytes, { maxBytes: 100_000 });
  } catch (error) {
    if (!isGridError(error)) throw error;
    return undefined;
  }
}

describe("direct", () => {
  it("writes the bytes of the general way, and reads them to the same value with its fields in the same order", () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = generalEncode(value);
        const sink = new Sink();
        directOf(schema)?.write(value, sink);
        expect(same(sink.taken(), bytes)).toBe(true);
        const source = new Source(bytes);
        const read = directOf(schema)?.read(source) as Value;
        expect(source.atEnd).toBe(true);
        expect(read).toEqual(value);
        expect(JSON.stringify(schema.toJson(read))).toBe(JSON.stringify(schema.toJson(schema.fromCbor(dagCbor.decode(bytes)))));
        expect(Object.keys(read)).toEqual(Object.keys(schema.fromCbor(dagCbor.decode(bytes))));
      }),
      { numRuns: 500 },
    );
  });

  it("accepts no bytes that the general way refuses, and refuses none that it accepts", () => {
    const mutation = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), kind: fc.constantFrom("replace", "insert", "remove", "cut") });
    fc.assert(
      fc.property(values, fc.array(mutation, { minLength: 1, maxLength: 2 }), (value, mutations) => {
        const bytes = mutations.reduce<number[]>((out, { at, byte, kind }) => {
          const index = at % out.length;
          if (kind === "cut") return out.slice(0, index);
          return out.toSpliced(index, kind === "insert" ? 0 : 1, ...(kind === "remove" ? [] : [byte]));
        }, [...generalEncode(value)]);
        const input = Uint8Array.from(bytes);
        expect(decoded(input)).toEqual(generalDecode(input));
      }),
      { numRuns: 4_000 },
    );
  });

  it.each([
    ["a longer head than needed", "a1616118 05", { a: s.uint() }],
    ["an integer in eight bytes that fits four", "a161611b00000000ffffffff", { a: s.uint() }],
    ["a float", "a16161f93c00", { a: s.uint() }],
    ["undefined for null", "a16161f7", { a: s.nullable(s.uint()) }],
    ["a key twice", "a2616101616101", { a: s.uint() }],
    ["keys out of order", "a2616201616101", { a: s.uint(), b: s.uint() }],
    ["an indefinite map", "bf616101ff", { a: s.uint() }],
    ["overlong UTF-8", "a1616162c080", { a: s.text({ maxLength: 5 }) }],
    ["half a surrogate", "a1616163eda080", { a: s.text({ maxLength: 5 }) }],
    ["a byte order mark", "a1616163efbbbf", { a: s.text({ maxLength: 5 }) }],
    ["more after the end", "a161610100", { a: s.uint() }],
    ["a length beyond the end", "a161617affffffff", { a: s.text({ maxLength: 5 }) }],
    ["a list of huge length", "a161619affffffff", { a: s.list(s.uint(), { max: 5 }) }],
    ["a map inside deep maps", `a2616101616b${"a1616b".repeat(40)}01`, { a: s.uint() }],
  ])("refuses %s", (_name, text, fields) => {
    const bytes = hexToBytes(text.replaceAll(" ", ""));
    expect(() => decode(s.struct(fields as { a: Schema<number> }), bytes, { maxBytes: 1_000 })).toThrow(expect.toSatisfy((error) => hasCode(error, "codec.not_canonical") || hasCode(error, "codec.invalid_value")));
  });

  it.each<[string, unknown]>([
    ["an unknown field", { a: 1, b: 2 }],
    ["a field less", {}],
    ["a wrong type", { a: "1" }],
    ["minus zero", { a: -0 }],
    ["a number out of bounds", { a: 11 }],
    ["an inherited field", Object.create({ a: 1 })],
    ["nothing", null],
  ])("refuses to write %s with the general way's words", (_name, value) => {
    const small = s.struct({ a: s.uint({ max: 10 }) });
    const words = (run: () => unknown): string => {
      try {
        run();
      } catch (error) {
        return (error as Error).message;
      }
      return "accepted";
    };
    expect(words(() => encode(small, value as never))).toBe(words(() => dagCbor.encode(small.toCbor(value as never))));
    expect(words(() => encode(small, value as never))).not.toBe("accepted");
  });

  it("leaves schemas that are made from others alone", () => {
    const other: Schema<boolean> = { ...s.bool, toCbor: (value) => !value };
    expect(encode(other, true)).toEqual(new Uint8Array([0xf4]));
  });
});
