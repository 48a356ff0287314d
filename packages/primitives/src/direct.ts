/**
 * Canonical DAG-CBOR straight between bytes and values, without the tree of tokens and maps in between: about ten times
 * faster, and the ledger does little else than this. It only ever says yes: whatever is not plainly right it gives back as
 * `DOUBT`, and the way through the general library (codec.ts) decides, so that every answer and every error stays that of one
 * rule. A property test holds the two against each other.
 *
 * Known per schema object and not a part of it: a schema that is made from another one by spreading has none and is decoded
 * the general way.
 */
export interface Direct<T> {
  /** Appends the one encoding. @throws DOUBT; GridError codec.invalid_value */
  readonly write: (value: T, out: Sink) => void;
  /** @throws DOUBT; GridError codec.invalid_value */
  readonly read: (from: Source) => T;
}

/** A `Direct` of whatever type. */
export interface AnyDirect {
  readonly write: (value: never, out: Sink) => void;
  readonly read: (from: Source) => unknown;
}

/** Thrown, and always this one, so that no stack is taken each time: the general way must decide. */
export const DOUBT: Error = new Error("the general way must decide");

const known = new WeakMap<object, Direct<unknown>>();

export function withDirect<S extends object>(schema: S, direct: AnyDirect | undefined): S {
  if (direct !== undefined) known.set(schema, direct as Direct<unknown>);
  return schema;
}

export const directOf = (schema: object): Direct<unknown> | undefined => known.get(schema);

/** RFC 8949 section 3.1. */
export const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, list: 4, map: 5, tag: 6 } as const;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const TWO_32 = 0x1_0000_0000;
/** Nesting that is skipped over while a union's tag is sought: more than any schema has. */
const MAX_DEPTH = 32;
/** Characters up to which text is read without the decoder's own cost. */
const SHORT_TEXT = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const HEX_DIGITS = "0123456789abcdef";
/** Value of a lower-case hex digit by its character code; 255: none. */
const NIBBLES = new Uint8Array(128).fill(255);
for (let value = 0; value < 16; value += 1) NIBBLES[HEX_DIGITS.charCodeAt(value)] = value;
/** The two digits of a byte as character codes, one after the other. */
const DIGITS = Uint8Array.from({ length: 512 }, (_, index) => HEX_DIGITS.charCodeAt((index & 1) === 0 ? index >> 5 : (index >> 1) & 15));

/** Bytes of hex in lower or upper case; undefined: it is none. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const out = new Uint8Array(text.length / 2);
  for (let index = 0; index < out.length; index += 1) {
    const high = nibbleOf(text.charCodeAt(index * 2));
    const low = nibbleOf(text.charCodeAt(index * 2 + 1));
    if (high === 255 || low === 255) return undefined;
    out[index] = (high << 4) | low;
  }
  return out;
}

/** 0x20 is what tells a lower-case letter from an upper-case one, and is set in every digit. */
function nibbleOf(code: number): number {
  const value = NIBBLES[code] ?? 255;
  return value !== 255 || code < 0x41 || code > 0x46 ? value : (NIBBLES[code | 0x20] as number);
}

/** Hex of bytes as one flat string. */
export function hexOf(bytes: Uint8Array, from: number, to: number): string {
  const codes: number[] = [];
  for (let index = from; index < to; index += 1) {
    const byte = bytes[index] as number;
    codes.push(DIGITS[byte * 2] as number, DIGITS[byte * 2 + 1] as number);
    // `apply` takes its arguments on the stack: long values go in pieces.
    if (codes.length === 4_096) return String.fromCharCode.apply(undefined, codes) + hexOf(bytes, index + 1, to);
  }
  return String.fromCharCode.apply(undefined, codes);
}

/** Bytes that grow. */
export class Sink {
  #bytes = new Uint8Array(4_096);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** A copy of what was written. */
  taken(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Room for `count` bytes more; where they begin. */
  #room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }

  byte(value: number): void {
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** The shortest head of this type with a whole number up to 2^53 - 1. */
  head(major: number, value: number): void {
    const type = major << 5;
    if (value < 24) return this.byte(type | value);
    const [size, info] = value < 0x100 ? [1, 24] : value < 0x1_0000 ? [2, 25] : value < TWO_32 ? [4, 26] : [8, 27];
    const at = this.#room(1 + size);
    const bytes = this.#bytes;
    bytes[at] = type | info;
    let rest = value;
    for (let index = size; index > 0; index -= 1) {
      bytes[at + index] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }

  integer(value: number): void {
    if (value >= 0) this.head(MAJOR.uint, value);
    else this.head(MAJOR.negative, -1 - value);
  }

  bigint(value: bigint): void {
    const magnitude = value >= 0n ? value : -1n - value;
    const major = value >= 0n ? MAJOR.uint : MAJOR.negative;
    if (magnitude <= BigInt(Number.MAX_SAFE_INTEGER)) return this.head(major, Number(magnitude));
    if (magnitude >= 1n << 64n) throw DOUBT;
    const at = this.#room(9);
    this.#bytes[at] = (major << 5) | 27;
    let rest = magnitude;
    for (let index = 8; index > 0; index -= 1) {
      this.#bytes[at + index] = Number(rest & 255n);
      rest >>= 8n;
    }
  }

  bool(value: boolean): void {
    this.byte(value ? TRUE : FALSE);
  }

  null(): void {
    this.byte(NULL);
  }

  /** Well-formed text. */
  text(value: string): void {
    const { length } = value;
    for (let index = 0; index < length; index += 1) {
      if (value.charCodeAt(index) < 128) continue;
      const bytes = encoder.encode(value);
      this.head(MAJOR.text, bytes.length);
      return this.raw(bytes);
    }
    this.head(MAJOR.text, length);
    const at = this.#room(length);
    for (let index = 0; index < length; index += 1) this.#bytes[at + index] = value.charCodeAt(index);
  }

  /** Lower-case hex, as the bytes that it stands for. */
  hexBytes(value: string): void {
    const length = value.length / 2;
    if (!Number.isInteger(length)) throw DOUBT;
    this.head(MAJOR.bytes, length);
    const at = this.#room(length);
    for (let index = 0; index < length; index += 1) {
      const high = NIBBLES[value.charCodeAt(index * 2)] ?? 255;
      const low = NIBBLES[value.charCodeAt(index * 2 + 1)] ?? 255;
      if (high === 255 || low === 255) throw DOUBT;
      this.#bytes[at + index] = (high << 4) | low;
    }
  }
}

/** Bytes that are read from the front. Everything that is not the shortest form is a doubt. */
export class Source {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  goTo(at: number): void {
    this.#at = at;
  }

  /** Where the next `count` bytes begin. */
  #skip(count: number): number {
    const at = this.#at;
    this.#at = at + count;
    if (this.#at > this.#bytes.length) throw DOUBT;
    return at;
  }

  /** The major type of what comes next. */
  major(): number {
    const first = this.#bytes[this.#at];
    if (first === undefined) throw DOUBT;
    return first >> 5;
  }

  head(major: number): number {
    const first = this.#bytes[this.#skip(1)] as number;
    const info = first & 31;
    if (first >> 5 !== major || info > 27) throw DOUBT;
    if (info < 24) return info;
    const size = 1 << (info - 24);
    const at = this.#skip(size);
    let value = 0;
    for (let index = 0; index < size; index += 1) value = value * 256 + (this.#bytes[at + index] as number);
    // Shortest form only: 24 upwards in one byte, and what needs the upper half of the wider forms.
    const least = size === 1 ? 24 : size === 2 ? 0x100 : size === 4 ? 0x1_0000 : TWO_32;
    if (value < least || value > Number.MAX_SAFE_INTEGER) throw DOUBT;
    return value;
  }

  integer(): number {
    return this.major() === MAJOR.negative ? -1 - this.head(MAJOR.negative) : this.head(MAJOR.uint);
  }

  bigint(): bigint {
    const start = this.#at;
    const isWide = this.#bytes[start] === 27 && ((this.#bytes[start + 1] ?? 0) > 0 || (this.#bytes[start + 2] ?? 0) >= 0x20);
    // Beyond 2^53 only: everything else is a number that has its shortest form.
    if (!isWide) return BigInt(this.integer());
    const at = this.#skip(9) + 1;
    let value = 0n;
    for (let index = 0; index < 8; index += 1) value = (value << 8n) | BigInt(this.#bytes[at + index] as number);
    return value;
  }

  bool(): boolean {
    const byte = this.#bytes[this.#skip(1)];
    if (byte !== TRUE && byte !== FALSE) throw DOUBT;
    return byte === TRUE;
  }

  /** True, and over it, when null comes next. */
  null(): boolean {
    if (this.#bytes[this.#at] !== NULL) return false;
    this.#at += 1;
    return true;
  }

  text(): string {
    const length = this.head(MAJOR.text);
    const at = this.#skip(length);
    const bytes = this.#bytes;
    if (length <= SHORT_TEXT) {
      const codes: number[] = [];
      while (codes.length < length && (bytes[at + codes.length] as number) < 128) codes.push(bytes[at + codes.length] as number);
      if (codes.length === length) return String.fromCharCode.apply(undefined, codes);
    }
    // The general way takes a byte order mark away, so that such text has no encoding that is accepted.
    if (bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) throw DOUBT;
    try {
      return decoder.decode(bytes.subarray(at, at + length));
    } catch {
      throw DOUBT;
    }
  }

  hexBytes(): string {
    const length = this.head(MAJOR.bytes);
    const at = this.#skip(length);
    return hexOf(this.#bytes, at, at + length);
  }

  /** `count` bytes as they are; not a copy. */
  raw(count: number): Uint8Array {
    const at = this.#skip(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** Over `bytes` when they come next. */
  take(bytes: Uint8Array): boolean {
    for (let index = 0; index < bytes.length; index += 1) if (this.#bytes[this.#at + index] !== bytes[index]) return false;
    this.#at += bytes.length;
    return true;
  }

  /** Over one item, whatever it is. */
  skipItem(depth = 0): void {
    if (depth > MAX_DEPTH) throw DOUBT;
    const major = this.major();
    if (major > MAJOR.tag) return void this.#skip(1);
    const count = this.bigHead(major);
    if (major === MAJOR.bytes || major === MAJOR.text) return void this.#skip(count);
    const items = major === MAJOR.list ? count : major === MAJOR.map ? count * 2 : major === MAJOR.tag ? 1 : 0;
    for (let index = 0; index < items; index += 1) this.skipItem(depth + 1);
  }

  /** As `head`, but integers beyond 2^53 are stepped over. */
  bigHead(major: number): number {
    const isWide = major <= MAJOR.negative && ((this.#bytes[this.#at] as number) & 31) === 27;
    if (!isWide) return this.head(major);
    this.#skip(9);
    return 0;
  }
}
