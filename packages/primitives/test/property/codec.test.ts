import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode, encode, isGridError, s } from "../../src/index.ts";

const item = s.struct({ a: s.uint(), b: s.units(), c: s.list(s.text({ maxLength: 5 }), { max: 3 }), d: s.nullable(s.bool), e: s.hex({ maxLength: 4 }) });
const items = fc.record({
  a: fc.maxSafeNat(),
  b: fc.bigInt({ min: 0n, max: s.MAX_UNITS }),
  c: fc.array(fc.string({ maxLength: 2 }), { maxLength: 3 }),
  d: fc.constantFrom(true, false, null),
  e: fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString("hex") as never),
});

describe("codec", () => {
  it("is a bijection between values and canonical bytes", () => {
    fc.assert(
      fc.property(items, (value) => {
        expect(decode(item, encode(item, value), { maxBytes: 10_000 })).toEqual(value);
      }),
    );
  });

  it("answers any mutated or random bytes with a typed error, or with a value whose encoding they are", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(items, fc.nat(), fc.nat({ max: 255 })).map(([value, at, byte]) => {
        const out = encode(item, value);
        out[at % out.length] = byte;
        return out;
      }),
    );
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          expect(encode(item, decode(item, input, { maxBytes: 10_000 }))).toEqual(input);
        } catch (error) {
          if (!isGridError(error)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
