import { describe, expect, it } from "vitest";
import * as dagCbor from "@ipld/dag-cbor";
import { bytesToHex, cidOf, decode, encode, hasCode, hexToBytes, s, sha256, utf8 } from "../../src/index.ts";

const person = s.struct({ name: s.text({ maxLength: 8 }), ageYears: s.uint({ max: 150 }), moneyUnits: s.units(), nick: s.optional(s.text({ maxLength: 8 })) });
const ada = { name: "ada", ageYears: 36, moneyUnits: 2n ** 60n };
const limits = { maxBytes: 1000 };
const refuses = (run: () => unknown, code = "codec.invalid_value"): void => {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  expect(hasCode(thrown, code), String(thrown)).toBe(true);
};

describe("schema", () => {
  it("gives back what was encoded, in CBOR and in JSON", () => {
    expect(decode(person, encode(person, ada), limits)).toEqual(ada);
    expect(person.fromJson(JSON.parse(JSON.stringify(person.toJson(ada))))).toEqual(ada);
  });

  it("keeps small and large money apart from numbers", () => {
    for (const moneyUnits of [0n, 1n, 2n ** 53n, s.MAX_UNITS]) expect(decode(person, encode(person, { ...ada, moneyUnits }), limits).moneyUnits).toBe(moneyUnits);
  });

  it("refuses unknown, missing, wrong and out-of-range fields with their path", () => {
    for (const bad of [{ ...ada, extra: 1 }, { name: "x" }, { ...ada, ageYears: 151 }, { ...ada, ageYears: 1.5 }, { ...ada, name: "123456789" }, { ...ada, name: "\ud800" }, { ...ada, nick: null }, null, [], "x"]) {
      refuses(() => person.fromJson(bad === null || typeof bad !== "object" || Array.isArray(bad) ? bad : { ...bad, moneyUnits: "1" }));
    }
    expect(() => person.fromJson({ ...ada, moneyUnits: "1", ageYears: 151 })).toThrow("ageYears");
  });

  it("refuses a second encoding of the same value", () => {
    const canonical = encode(person, ada);
    // Unsorted keys: valid CBOR of the same map, but not its canonical form.
    const unsorted = new Uint8Array([0xa2, 0x61, 0x62, 0x01, 0x61, 0x61, 0x02]);
    refuses(() => decode(s.struct({ a: s.uint(), b: s.uint() }), unsorted, limits), "codec.not_canonical");
    refuses(() => decode(person, new Uint8Array([...canonical, 0]), limits), "codec.not_canonical");
    // 1 written in two bytes (0x18 0x01) where one (0x01) is canonical.
    refuses(() => decode(s.struct({ a: s.uint() }), new Uint8Array([0xa1, 0x61, 0x61, 0x18, 0x01]), limits), "codec.not_canonical");
  });

  it("refuses more bytes than allowed before it looks at them", () => refuses(() => decode(person, new Uint8Array(1001), limits), "codec.too_large"));

  it("takes links only of its own kind", () => {
    const link = cidOf(utf8("x"));
    expect(s.cid.fromJson(link)).toBe(link);
    for (const bad of ["", "bafy", "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", 7, link.toUpperCase()]) refuses(() => s.cid.fromJson(bad));
  });

  it("selects a variant by its type and nothing else", () => {
    const shape = s.union({ circle: s.struct({ radius: s.uint() }), square: s.struct({ side: s.uint() }) });
    expect(decode(shape, encode(shape, { type: "circle", radius: 2 }), limits)).toEqual({ type: "circle", radius: 2 });
    for (const bad of [{ type: "circle", side: 1 }, { type: "oval" }, { radius: 1 }, { type: "toString" }, { type: "__proto__" }]) refuses(() => shape.fromJson(bad));
  });

  it("treats a hostile key like any other", () => {
    const map = s.record(s.uint(), { max: 3, key: s.text({ maxLength: 10 }) });
    const value = map.fromJson(JSON.parse('{"__proto__": 5}'));
    expect(Object.hasOwn(value, "__proto__")).toBe(true);
    expect(({} as Record<string, unknown>)["5"]).toBeUndefined();
    refuses(() => map.fromJson({ a: 1, b: 2, c: 3, d: 4 }));
  });

  it("describes itself as JSON Schema", () => {
    expect(person.jsonSchema()).toMatchObject({ type: "object", additionalProperties: false, required: ["name", "ageYears", "moneyUnits"] });
  });

  it("refuses floats that DAG-CBOR could carry", () => {
    const bytes = dagCbor.encode({ a: 1.5 });
    refuses(() => decode(s.struct({ a: s.uint() }), bytes, limits));
  });
});

describe("hex", () => {
  it("stands for bytes in either case, and nothing else does", () => {
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    const text = bytesToHex(all);
    expect(text).toBe(Buffer.from(all).toString("hex"));
    expect(hexToBytes(text)).toEqual(all);
    expect(hexToBytes(text.toUpperCase())).toEqual(all);
    const digits = new Set("0123456789abcdefABCDEF");
    for (let code = 0; code < 0x300; code += 1) {
      const char = String.fromCharCode(code);
      if (!digits.has(char)) for (const bad of [`0${char}`, `${char}0`]) refuses(() => hexToBytes(bad));
    }
    refuses(() => hexToBytes("abc"));
  });
});

describe("SHA-256", () => {
  it("is the same over one piece and over its parts", () => {
    // FIPS 180-2, appendix B.1.
    expect(bytesToHex(sha256(utf8("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(sha256(utf8("abc"))).toEqual(sha256(utf8("a"), utf8("bc")));
    expect(sha256(utf8("abc")).constructor).toBe(Uint8Array);
  });
});
