/**
 * One definition per wire type. A `Schema<T>` gives the strict CBOR form (consensus, signatures, content ids), the
 * JSON form (RPC, REST, files) and a JSON Schema for documentation. Every length and number is bounded, unknown
 * fields are refused, and the path of the offending field is part of the error.
 *
 * TypeScript values are plain JSON plus `bigint` for money: keys, hashes and CIDs are text (hex, base32) in memory and
 * in JSON, and bytes or links in CBOR.
 */
import { CID } from "multiformats/cid";
import { type Direct, bytesOfHex, directOf, hexOf, withDirect } from "./direct.ts";
import {
  type DirectField,
  directBool,
  directCid,
  directHex,
  directInteger,
  directList,
  directNullable,
  directStruct,
  directText,
  directUnion,
  directUnits,
} from "./direct-schemas.ts";
import { defineErrors, type GridError } from "./errors.ts";
import type { CidText, Hex } from "./ids.ts";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export const schemaErrors = defineErrors({
  "codec.invalid_value": {
    summary: "A value does not have the form that its type requires.",
    cure: "Correct the field named in the message; the type's JSON Schema lists what is allowed.",
  },
  "codec.not_canonical": {
    summary: "The bytes are not the one canonical DAG-CBOR encoding of a value.",
    cure: "Encode the value with a DAG-CBOR encoder (sorted keys, shortest integers, no indefinite lengths).",
  },
  "codec.too_large": {
    summary: "The encoded value is larger than this place allows.",
    cure: "Split the value or make it smaller; docs/limits.md lists the bound.",
  },
});

export interface Schema<T> {
  /** CBOR-decoded value -> T. @throws GridError codec.invalid_value */
  readonly fromCbor: (value: unknown, path?: string) => T;
  /** T -> value for the CBOR encoder; checks as strictly as decoding does. @throws GridError codec.invalid_value */
  readonly toCbor: (value: T, path?: string) => unknown;
  /** JSON value -> T. @throws GridError codec.invalid_value */
  readonly fromJson: (value: unknown, path?: string) => T;
  readonly toJson: (value: T) => JsonValue;
  readonly jsonSchema: () => Record<string, unknown>;
}

export type Infer<S> = S extends Schema<infer T> ? T : never;

function invalid(path: string, expectation: string): GridError {
  const where = path === "" ? "value" : path;
  return schemaErrors.fail("codec.invalid_value", { message: `${where}: ${expectation}`, details: { path: where } });
}

/** A schema whose in-memory, CBOR and JSON forms are the same. */
function plain<T extends JsonValue>(
  check: (value: unknown, path: string) => T,
  json: Record<string, unknown>,
  direct: (check: (value: unknown, path: string) => T) => Direct<T>,
): Schema<T> {
  const run = (value: unknown, path = ""): T => check(value, path);
  return withDirect({ fromCbor: run, toCbor: run, fromJson: run, toJson: (value) => value, jsonSchema: () => json }, direct(check));
}

export function text(limits: { readonly maxLength: number; readonly minLength?: number; readonly pattern?: RegExp }): Schema<string> {
  const { maxLength, minLength = 0, pattern } = limits;
  return plain(
    (value, path) => {
      if (typeof value !== "string") throw invalid(path, "expected text");
      if (value.length < minLength || value.length > maxLength)
        throw invalid(path, `expected ${minLength} to ${maxLength} characters, got ${value.length}`);
      if (!value.isWellFormed()) throw invalid(path, "expected well-formed Unicode");
      if (pattern !== undefined && !pattern.test(value)) throw invalid(path, `expected text that matches ${pattern.source}`);
      return value;
    },
    { type: "string", minLength, maxLength, ...(pattern === undefined ? {} : { pattern: pattern.source }) },
    directText,
  );
}

export function uint(limits: { readonly max?: number; readonly min?: number } = {}): Schema<number> {
  const { max = Number.MAX_SAFE_INTEGER, min = 0 } = limits;
  return plain(
    (value, path) => {
      if (typeof value !== "number" || !Number.isSafeInteger(value)) throw invalid(path, "expected an integer");
      if (value < min || value > max) throw invalid(path, `expected ${min} to ${max}, got ${value}`);
      // -0 and 0 are one number with two encodings in floats: refuse the odd one.
      if (Object.is(value, -0)) throw invalid(path, "expected an integer, got -0");
      return value;
    },
    { type: "integer", minimum: min, maximum: max },
    directInteger,
  );
}

export const int = (limits: { readonly min: number; readonly max: number }): Schema<number> => uint(limits);

export const bool: Schema<boolean> = plain(
  (value, path) => {
    if (typeof value !== "boolean") throw invalid(path, "expected true or false");
    return value;
  },
  { type: "boolean" },
  () => directBool,
);

export function oneOf<const V extends readonly string[]>(values: V): Schema<V[number]> {
  return plain(
    (value, path) => {
      if (typeof value !== "string" || !values.includes(value)) throw invalid(path, `expected one of ${values.join(", ")}`);
      return value;
    },
    { enum: [...values] },
    directText,
  );
}

/** Largest amount of money in one field: 2^63 - 1 units, so that any reader with 64-bit integers can hold it. */
export const MAX_UNITS = 2n ** 63n - 1n;

/** Money (or another fixed-point quantity) as bigint in memory, integer in CBOR, decimal text in JSON. */
export function units(limits: { readonly max?: bigint; readonly min?: bigint } = {}): Schema<bigint> {
  const { max = MAX_UNITS, min = 0n } = limits;
  const bound = (value: bigint, path: string): bigint => {
    if (value < min || value > max) throw invalid(path, `expected ${min} to ${max}, got ${value}`);
    return value;
  };
  const schema: Schema<bigint> = {
    fromCbor: (value, path = "") => {
      if (typeof value === "bigint") return bound(value, path);
      if (typeof value === "number" && Number.isSafeInteger(value) && !Object.is(value, -0)) return bound(BigInt(value), path);
      throw invalid(path, "expected an integer");
    },
    toCbor: (value, path = "") => {
      if (typeof value !== "bigint") throw invalid(path, "expected a bigint");
      return bound(value, path);
    },
    fromJson: (value, path = "") => {
      if (typeof value !== "string" || !/^-?(0|[1-9]\d{0,19})$/.test(value)) throw invalid(path, "expected an integer written as text");
      return bound(BigInt(value), path);
    },
    toJson: (value) => value.toString(),
    jsonSchema: () => ({ type: "string", pattern: "^-?(0|[1-9][0-9]{0,19})$", description: "integer as decimal text" }),
  };
  return withDirect(schema, directUnits(bound));
}

/** Bytes: hex text in memory and JSON, a byte string in CBOR. */
export function hex(limits: { readonly length: number } | { readonly maxLength: number }): Schema<Hex> {
  const [minBytes, maxBytes] = "length" in limits ? [limits.length, limits.length] : [0, limits.maxLength];
  const check = (value: unknown, path: string): Hex => {
    if (typeof value !== "string" || value.length % 2 !== 0 || !/^[0-9a-f]*$/.test(value))
      throw invalid(path, "expected bytes as lower-case hex");
    if (value.length / 2 < minBytes || value.length / 2 > maxBytes)
      throw invalid(path, `expected ${minBytes} to ${maxBytes} bytes, got ${value.length / 2}`);
    return value as Hex;
  };
  const schema: Schema<Hex> = {
    fromCbor: (value, path = "") => {
      if (!(value instanceof Uint8Array)) throw invalid(path, "expected bytes");
      return check(bytesToHex(value), path);
    },
    toCbor: (value, path = "") => hexToBytes(check(value, path)),
    fromJson: (value, path = "") => check(value, path),
    toJson: (value) => value,
    jsonSchema: () => ({ type: "string", pattern: "^([0-9a-f]{2})*$", minLength: minBytes * 2, maxLength: maxBytes * 2 }),
  };
  return withDirect(schema, directHex<Hex>(minBytes, maxBytes));
}

const DAG_CBOR_CODE = 0x71;
const SHA2_256_CODE = 0x12;

/** A content id: base32 text in memory and JSON, a CBOR link. Only CIDv1 of DAG-CBOR under SHA-256 exists here. */
export const cid: Schema<CidText> = withDirect<Schema<CidText>>(
  {
    fromCbor: (value, path = "") => {
      const link = CID.asCID(value);
      if (link === null) throw invalid(path, "expected a link");
      return checkedCid(link, path).toString() as CidText;
    },
    toCbor: (value, path = "") => parseCid(value, path),
    fromJson: (value, path = "") => parseCid(value, path).toString() as CidText,
    toJson: (value) => value,
    jsonSchema: () => ({ type: "string", pattern: "^bafyrei[a-z2-7]{52}$" }),
  },
  directCid<CidText>(),
);

function parseCid(value: unknown, path: string): CID {
  if (typeof value !== "string" || value.length > 64) throw invalid(path, "expected a content id");
  let parsed: CID;
  try {
    parsed = CID.parse(value);
  } catch {
    throw invalid(path, "expected a content id");
  }
  if (parsed.toString() !== value) throw invalid(path, "expected a content id in base32");
  return checkedCid(parsed, path);
}

function checkedCid(link: CID, path: string): CID {
  const good =
    link.version === 1 && link.code === DAG_CBOR_CODE && link.multihash.code === SHA2_256_CODE && link.multihash.digest.length === 32;
  if (!good) throw invalid(path, "expected a CIDv1 of DAG-CBOR under SHA-256");
  return link;
}

export function list<T>(item: Schema<T>, limits: { readonly max: number; readonly min?: number }): Schema<readonly T[]> {
  const { max, min = 0 } = limits;
  const each = <R>(value: unknown, path: string, convert: (item: never, path: string) => R): R[] => {
    if (!Array.isArray(value)) throw invalid(path, "expected a list");
    if (value.length < min || value.length > max) throw invalid(path, `expected ${min} to ${max} items, got ${value.length}`);
    return value.map((entry, index) => convert(entry as never, `${path}[${index}]`));
  };
  const schema: Schema<readonly T[]> = {
    fromCbor: (value, path = "") => each(value, path, item.fromCbor),
    toCbor: (value, path = "") => each(value, path, item.toCbor),
    fromJson: (value, path = "") => each(value, path, item.fromJson),
    toJson: (value) => value.map((entry) => item.toJson(entry)),
    jsonSchema: () => ({ type: "array", minItems: min, maxItems: max, items: item.jsonSchema() }),
  };
  return withDirect(schema, directList(directOf(item), { min, max }));
}

/** A map from text keys to values, for environment variables, labels and the like. */
export function record<T>(
  item: Schema<T>,
  limits: { readonly max: number; readonly key: Schema<string> },
): Schema<Readonly<Record<string, T>>> {
  const each = <R>(value: unknown, path: string, convert: (item: never, path: string) => R): Record<string, R> => {
    if (!isPlainObject(value)) throw invalid(path, "expected a map");
    const entries = Object.entries(value);
    if (entries.length > limits.max) throw invalid(path, `expected at most ${limits.max} entries, got ${entries.length}`);
    return safeObject(entries.map(([key, entry]) => [limits.key.fromJson(key, `${path} key`), convert(entry as never, join(path, key))]));
  };
  return {
    fromCbor: (value, path = "") => each(value, path, item.fromCbor),
    toCbor: (value, path = "") => each(value, path, item.toCbor),
    fromJson: (value, path = "") => each(value, path, item.fromJson),
    toJson: (value) => safeObject(Object.entries(value).map(([key, entry]) => [key, item.toJson(entry)])),
    jsonSchema: () => ({ type: "object", maxProperties: limits.max, additionalProperties: item.jsonSchema() }),
  };
}

const OPTIONAL = Symbol("optional");
export interface OptionalSchema<T> extends Schema<T> {
  readonly [OPTIONAL]: true;
}

/** A field that may be left out. Absent and null are not the same: null is refused. */
export function optional<T>(inner: Schema<T>): OptionalSchema<T> {
  return withDirect({ ...inner, [OPTIONAL]: true as const }, directOf(inner));
}

export function nullable<T>(inner: Schema<T>): Schema<T | null> {
  const schema: Schema<T | null> = {
    fromCbor: (value, path) => (value === null ? null : inner.fromCbor(value, path)),
    toCbor: (value, path) => (value === null ? null : inner.toCbor(value, path)),
    fromJson: (value, path) => (value === null ? null : inner.fromJson(value, path)),
    toJson: (value) => (value === null ? null : inner.toJson(value)),
    jsonSchema: () => ({ anyOf: [inner.jsonSchema(), { type: "null" }] }),
  };
  return withDirect(schema, directNullable(directOf(inner)));
}

// `never` would reject every schema by contravariance; `any` is confined to this constraint.
// oxlint-disable-next-line typescript/no-explicit-any
export type Fields = Readonly<Record<string, Schema<any>>>;
/** By the mark alone: `OptionalSchema<string>` is no `OptionalSchema<unknown>`, for a schema also takes values in. */
type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends { readonly [OPTIONAL]: true } ? K : never }[keyof F];
type Simplify<T> = { [K in keyof T]: T[K] } & {};
export type StructOf<F extends Fields> = Simplify<
  { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Infer<F[K]> } & { readonly [K in OptionalKeys<F>]?: Infer<F[K]> }
>;

export interface StructSchema<F extends Fields> extends Schema<StructOf<F>> {
  readonly fields: F;
}

/** A map with exactly these fields. */
export function struct<F extends Fields>(fields: F): StructSchema<F> {
  const names = Object.keys(fields);
  const convert = (value: unknown, path: string, direction: "fromCbor" | "toCbor" | "fromJson"): Record<string, unknown> => {
    if (!isPlainObject(value)) throw invalid(path, "expected a map");
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(fields, key)) throw invalid(join(path, key), "unknown field");
    }
    const out: Record<string, unknown> = {};
    for (const name of names) {
      const schema = fields[name] as Schema<unknown>;
      const entry = Object.hasOwn(value, name) ? value[name] : undefined;
      if (entry === undefined) {
        if (OPTIONAL in schema) continue;
        throw invalid(join(path, name), "missing");
      }
      out[name] = schema[direction](entry as never, join(path, name));
    }
    return out;
  };
  const schema: StructSchema<F> = {
    fields,
    fromCbor: (value, path = "") => convert(value, path, "fromCbor") as StructOf<F>,
    toCbor: (value, path = "") => convert(value, path, "toCbor"),
    fromJson: (value, path = "") => convert(value, path, "fromJson") as StructOf<F>,
    toJson: (value) => {
      const source = value as Record<string, unknown>;
      const out: Record<string, JsonValue> = {};
      for (const name of names) if (source[name] !== undefined) out[name] = (fields[name] as Schema<unknown>).toJson(source[name]);
      return out;
    },
    jsonSchema: () => ({
      type: "object",
      additionalProperties: false,
      required: names.filter((name) => !(OPTIONAL in (fields[name] as Schema<unknown>))),
      properties: Object.fromEntries(names.map((name) => [name, (fields[name] as Schema<unknown>).jsonSchema()])),
    }),
  };
  return withDirect(schema, directStruct(directFields(fields)));
}

const directFields = (fields: Fields): DirectField[] =>
  Object.entries(fields).map(([name, schema]) => ({ name, direct: directOf(schema), optional: OPTIONAL in schema }));

// oxlint-disable-next-line typescript/no-explicit-any -- as for Fields: variance, confined to the constraint
type Variants = Readonly<Record<string, StructSchema<any>>>;
/** A tagged union: each variant is a struct; the tag field `type` selects it. */
export type UnionOf<V extends Variants> = {
  [K in keyof V & string]: Simplify<{ readonly type: K } & Infer<V[K]>>;
}[keyof V & string];

export function union<V extends Variants>(variants: V): Schema<UnionOf<V>> {
  const convert = (value: unknown, path: string, direction: "fromCbor" | "toCbor" | "fromJson"): UnionOf<V> => {
    if (!isPlainObject(value)) throw invalid(path, "expected a map");
    const { type, ...rest } = value;
    if (typeof type !== "string") throw invalid(join(path, "type"), "expected text");
    if (!Object.hasOwn(variants, type)) throw invalid(join(path, "type"), `unknown type ${JSON.stringify(type.slice(0, 60))}`);
    const converted = (variants[type] as StructSchema<Fields>)[direction](rest as never, path) as object;
    return { type, ...converted } as UnionOf<V>;
  };
  const schema: Schema<UnionOf<V>> = {
    fromCbor: (value, path = "") => convert(value, path, "fromCbor"),
    toCbor: (value, path = "") => convert(value, path, "toCbor"),
    fromJson: (value, path = "") => convert(value, path, "fromJson"),
    toJson: (value) => {
      const { type } = value as { type: string };
      return { type, ...((variants[type] as StructSchema<Fields>).toJson(value as never) as object) };
    },
    jsonSchema: () => ({
      oneOf: Object.entries(variants).map(([type, schema]) => {
        const inner = schema.jsonSchema() as { properties: object; required: string[] };
        return { ...inner, properties: { type: { const: type }, ...inner.properties }, required: ["type", ...inner.required] };
      }),
    }),
  };
  const direct = directUnion(Object.fromEntries(Object.entries(variants).map(([type, variant]) => [type, directFields(variant.fields)])));
  return withDirect(schema, direct);
}

/** Gives a schema's type a brand or a narrower name without changing what it accepts. */
export function as<B>(schema: Schema<string> | Schema<number> | Schema<Hex>): Schema<B> {
  return schema as unknown as Schema<B>;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** An object from entries in which a hostile `__proto__` key is an own property like any other. */
function safeObject<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries(entries) as Record<string, T>;
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

export const bytesToHex = (bytes: Uint8Array): Hex => hexOf(bytes, 0, bytes.length) as Hex;

/** @throws GridError codec.invalid_value when `value` is not lower- or upper-case hex of whole bytes. */
export function hexToBytes(value: string): Uint8Array {
  const bytes = bytesOfHex(value);
  if (bytes === undefined) throw invalid("", "expected bytes as hex");
  return bytes;
}
