/** The direct way (see direct.ts) of each kind of schema. */
import { DOUBT, type Direct, MAJOR, type Sink, type Source } from "./direct.ts";

/** Checks a value as the schema does. @throws GridError codec.invalid_value */
type Check<T> = (value: unknown, path: string) => T;

export const directText = <T>(check: Check<T>): Direct<T> => ({
  write: (value, out) => out.text(check(value, "") as string),
  read: (from) => check(from.text(), ""),
});

export const directInteger = <T>(check: Check<T>): Direct<T> => ({
  write: (value, out) => out.integer(check(value, "") as number),
  read: (from) => check(from.integer(), ""),
});

export const directBool: Direct<boolean> = {
  write: (value, out) => {
    if (typeof value !== "boolean") throw DOUBT;
    out.bool(value);
  },
  read: (from) => from.bool(),
};

export const directUnits = (bound: (value: bigint, path: string) => bigint): Direct<bigint> => ({
  write: (value, out) => {
    if (typeof value !== "bigint") throw DOUBT;
    out.bigint(bound(value, ""));
  },
  read: (from) => bound(from.bigint(), ""),
});

export const directHex = <T extends string>(minBytes: number, maxBytes: number): Direct<T> => ({
  write: (value, out) => {
    if (typeof value !== "string" || value.length < minBytes * 2 || value.length > maxBytes * 2) throw DOUBT;
    out.hexBytes(value);
  },
  read: (from) => {
    const value = from.hexBytes();
    if (value.length < minBytes * 2 || value.length > maxBytes * 2) throw DOUBT;
    return value as T;
  },
});

/** Tag 42, a byte string of 37 with the historical zero, then CIDv1, DAG-CBOR, SHA-256 of 32 bytes. */
const LINK_HEAD = new Uint8Array([0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, 0x71, 0x12, 0x20]);
const CID_HEAD = LINK_HEAD.subarray(5);
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const BASE32_VALUES = new Uint8Array(128).fill(255);
for (let value = 0; value < 32; value += 1) BASE32_VALUES[BASE32.charCodeAt(value)] = value;
/** `b` for base32, then 36 bytes in 58 characters of 5 bits; the last two bits are zero. */
const CID_TEXT_LENGTH = 59;

function cidBytes(text: string): Uint8Array {
  if (text.length !== CID_TEXT_LENGTH || text[0] !== "b") throw DOUBT;
  const out = new Uint8Array(36);
  let bits = 0;
  let count = 0;
  let at = 0;
  for (let index = 1; index < CID_TEXT_LENGTH; index += 1) {
    const value = BASE32_VALUES[text.charCodeAt(index)] ?? 255;
    if (value === 255) throw DOUBT;
    bits = (bits << 5) | value;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    out[at] = bits >> count;
    at += 1;
    bits &= (1 << count) - 1;
  }
  if (bits !== 0 || !CID_HEAD.every((byte, index) => out[index] === byte)) throw DOUBT;
  return out;
}

function cidText(digest: Uint8Array): string {
  let text = "b";
  let bits = 0;
  let count = 0;
  const add = (byte: number): void => {
    bits = (bits << 8) | byte;
    count += 8;
    while (count >= 5) {
      count -= 5;
      text += BASE32[bits >> count];
      bits &= (1 << count) - 1;
    }
  };
  for (const byte of CID_HEAD) add(byte);
  for (const byte of digest) add(byte);
  return text + BASE32[bits << (5 - count)];
}

export const directCid = <T extends string>(): Direct<T> => ({
  write: (value, out) => {
    if (typeof value !== "string") throw DOUBT;
    const bytes = cidBytes(value);
    out.raw(LINK_HEAD.subarray(0, 5));
    out.raw(bytes);
  },
  read: (from) => {
    if (!from.take(LINK_HEAD)) throw DOUBT;
    return cidText(from.raw(32)) as T;
  },
});

export function directList<T>(item: Direct<T> | undefined, limits: { readonly min: number; readonly max: number }): Direct<readonly T[]> | undefined {
  if (item === undefined) return undefined;
  const { min, max } = limits;
  return {
    write: (value, out) => {
      if (!Array.isArray(value) || value.length < min || value.length > max) throw DOUBT;
      out.head(MAJOR.list, value.length);
      for (const entry of value as readonly T[]) item.write(entry, out);
    },
    read: (from) => {
      const length = from.head(MAJOR.list);
      if (length < min || length > max) throw DOUBT;
      const out: T[] = [];
      for (let index = 0; index < length; index += 1) out.push(item.read(from));
      return out;
    },
  };
}

export function directNullable<T>(inner: Direct<T> | undefined): Direct<T | null> | undefined {
  if (inner === undefined) return undefined;
  return {
    write: (value, out) => (value === null ? out.null() : inner.write(value, out)),
    read: (from) => (from.null() ? null : inner.read(from)),
  };
}

export interface DirectField {
  readonly name: string;
  readonly direct: Direct<unknown> | undefined;
  readonly optional: boolean;
}

interface Place {
  readonly name: string;
  readonly key: Uint8Array;
  readonly direct: Direct<unknown>;
  readonly optional: boolean;
}

/** Keys of a map in DAG-CBOR: the shorter first, then by bytes. Names of fields are ASCII. */
const byKey = (a: { readonly name: string }, b: { readonly name: string }): number => a.name.length - b.name.length || (a.name < b.name ? -1 : 1);

const keyBytes = (name: string): Uint8Array => {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length > 23) return new Uint8Array([(MAJOR.text << 5) | 24, bytes.length, ...bytes]);
  return new Uint8Array([(MAJOR.text << 5) | bytes.length, ...bytes]);
};

const isPlain = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** A map with these fields; values are made with their fields in this order. */
export function directStruct(fields: readonly DirectField[]): Direct<Record<string, unknown>> | undefined {
  const places: Place[] = [];
  for (const { name, direct, optional } of fields) {
    if (direct === undefined || !/^[\x20-\x7e]{1,255}$/.test(name) || name === "__proto__") return undefined;
    places.push({ name, key: keyBytes(name), direct, optional });
  }
  const sorted = places.toSorted(byKey);
  /** Where in the sorted order each field lies. */
  const order = places.map((place) => sorted.indexOf(place));
  return { write: (value, out) => writeStruct(sorted, value, out), read: (from) => readStruct(places, sorted, order, from) };
}

function writeStruct(sorted: readonly Place[], value: unknown, out: Sink): void {
  if (!isPlain(value)) throw DOUBT;
  let present = 0;
  for (const { name, optional } of sorted) {
    if (value[name] !== undefined) present += 1;
    else if (!optional) throw DOUBT;
  }
  // One field more than those that are known, or one that is set to undefined.
  if (Object.keys(value).length !== present) throw DOUBT;
  out.head(MAJOR.map, present);
  for (const { name, key, direct } of sorted) {
    const entry = value[name];
    if (entry === undefined) continue;
    out.raw(key);
    direct.write(entry, out);
  }
}

function readStruct(places: readonly Place[], sorted: readonly Place[], order: readonly number[], from: Source): Record<string, unknown> {
  let left = from.head(MAJOR.map);
  const slots: unknown[] = [];
  for (const { key, direct, optional } of sorted) {
    if (left > 0 && from.take(key)) {
      left -= 1;
      slots.push(direct.read(from));
    } else if (optional) slots.push(undefined);
    else throw DOUBT;
  }
  if (left !== 0) throw DOUBT;
  const out: Record<string, unknown> = {};
  for (let index = 0; index < places.length; index += 1) {
    const value = slots[order[index] as number];
    if (value !== undefined) out[(places[index] as Place).name] = value;
  }
  return out;
}

const TAG_KEY = keyBytes("type");

/** A tagged union: each variant's fields with `type` among them. */
export function directUnion(variants: Readonly<Record<string, readonly DirectField[]>>): Direct<Record<string, unknown>> | undefined {
  const known = new Map<unknown, Direct<Record<string, unknown>>>();
  for (const [type, fields] of Object.entries(variants)) {
    if (fields.some(({ name }) => name === "type")) return undefined;
    const tag = directText((value) => (value === type ? type : doubt()));
    const direct = directStruct([{ name: "type", direct: tag as Direct<unknown>, optional: false }, ...fields]);
    if (direct === undefined) return undefined;
    known.set(type, direct);
  }
  return {
    write: (value, out) => (known.get((value as { type?: unknown } | null)?.type) ?? doubt()).write(value, out),
    read: (from) => {
      const start = from.at;
      const type = tagOf(from);
      from.goTo(start);
      return (known.get(type) ?? doubt()).read(from);
    },
  };
}

function tagOf(from: Source): string {
  for (let left = from.head(MAJOR.map); left > 0; left -= 1) {
    if (from.take(TAG_KEY)) return from.text();
    from.skipItem();
    from.skipItem();
  }
  throw DOUBT;
}

function doubt(): never {
  throw DOUBT;
}
