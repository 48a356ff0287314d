/** Changes that know what the bytes mean, beside those that do not: most random bytes are refused at the first one. */
import { concatBytes } from "@tfgrid/primitives";
import type { Random } from "./random.ts";

type Mutation = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

const replaced = (bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array => concatBytes(bytes.subarray(0, from), by, bytes.subarray(to));

interface Head {
  readonly at: number;
  readonly major: number;
  readonly info: number;
  readonly value: bigint;
  /** Index after the head. */
  readonly end: number;
  /** Index after the whole item; undefined when it does not end. */
  readonly after: number | undefined;
}

/** Heads of CBOR items, as far as the bytes make sense. */
export function headsOf(bytes: Uint8Array): Head[] {
  const heads: Head[] = [];
  walk(bytes, 0, heads);
  return heads;
}

function walk(bytes: Uint8Array, at: number, heads: Head[]): number | undefined {
  const first = bytes[at];
  if (first === undefined || heads.length > 4_000) return undefined;
  const [major, info] = [first >> 5, first & 31];
  const size = info < 24 ? 0 : info < 28 ? 1 << (info - 24) : 0;
  const end = at + 1 + size;
  if (end > bytes.length) return undefined;
  let value = BigInt(info < 24 ? info : 0);
  for (let index = at + 1; index < end; index += 1) value = (value << 8n) | BigInt(bytes[index] as number);
  const slot = heads.length;
  heads.push({ at, major, info, value, end, after: undefined });
  const items = major === 4 ? Number(value) : major === 5 ? Number(value) * 2 : major === 6 ? 1 : 0;
  let next: number | undefined = major === 2 || major === 3 ? end + Number(value) : end;
  for (let index = 0; index < items && next !== undefined; index += 1) next = walk(bytes, next, heads);
  if (next !== undefined && next > bytes.length) next = undefined;
  heads[slot] = { ...(heads[slot] as Head), after: next };
  return next;
}

const whole = (heads: readonly Head[]): (Head & { readonly after: number })[] => heads.filter((head): head is Head & { readonly after: number } => head.after !== undefined);

/** A head of this type and value in the form that `width` names: 0 inline, 1, 2, 4 or 8 bytes. */
export function headBytes(major: number, value: bigint, width: 0 | 1 | 2 | 4 | 8): Uint8Array {
  if (width === 0) return new Uint8Array([(major << 5) | Number(value & 31n)]);
  const out = new Uint8Array(1 + width);
  out[0] = (major << 5) | (24 + Math.log2(width));
  for (let index = width, rest = value; index > 0; index -= 1, rest >>= 8n) out[index] = Number(rest & 255n);
  return out;
}

const EDGES = [0n, 1n, 23n, 24n, 255n, 256n, 65_535n, 65_536n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
const WIDTHS = [0, 1, 2, 4, 8] as const;
const ODDITIES = ["f7", "f97e00", "fb7ff0000000000000", "fb3ff0000000000000", "fb8000000000000000", "5f41004100ff", "7f6161ff", "9f01ff", "bf616101ff", "c11a00000000", "d82a4100", "a0", "80", "f6", "1bffffffffffffffff", "3bffffffffffffffff"];

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  flipBit: (bytes, random) => {
    const out = bytes.slice();
    const at = random.int(out.length);
    out[at] = (out[at] as number) ^ (1 << random.int(8));
    return out;
  },
  setByte: (bytes, random) => {
    const out = bytes.slice();
    out[random.int(out.length)] = random.int(256);
    return out;
  },
  insert: (bytes, random) => {
    const at = random.int(bytes.length + 1);
    return replaced(bytes, at, at, random.bytes(1 + random.int(4)));
  },
  remove: (bytes, random) => {
    const at = random.int(bytes.length);
    return replaced(bytes, at, Math.min(bytes.length, at + 1 + random.int(4)), new Uint8Array());
  },
  truncate: (bytes, random) => bytes.slice(0, random.int(bytes.length)),
  append: (bytes, random) => concatBytes(bytes, random.bytes(1 + random.int(3))),
  splice: (bytes, random, others) => {
    const other = random.pick(others);
    return concatBytes(bytes.subarray(0, random.int(bytes.length + 1)), other.subarray(random.int(other.length + 1)));
  },
  /** The same number in another width: a second encoding. */
  width: (bytes, random) => {
    const head = pickHead(bytes, random);
    return head === undefined ? bytes : replaced(bytes, head.at, head.end, headBytes(head.major, head.value, random.pick(WIDTHS)));
  },
  /** Another number or length. */
  number: (bytes, random) => {
    const head = pickHead(bytes, random);
    return head === undefined ? bytes : replaced(bytes, head.at, head.end, shortest(head.major, random.pick(EDGES)));
  },
  major: (bytes, random) => {
    const head = pickHead(bytes, random);
    return head === undefined ? bytes : replaced(bytes, head.at, head.at + 1, new Uint8Array([(random.int(8) << 5) | head.info]));
  },
  /** Strings and containers without a length, ended by a break. */
  indefinite: (bytes, random) => {
    const head = random.pick(whole(headsOf(bytes)).filter(({ major }) => major >= 2 && major <= 5));
    if (head === undefined) return bytes;
    const open = new Uint8Array([(head.major << 5) | 31]);
    const inner = head.major < 4 ? bytes.subarray(head.at, head.after) : bytes.subarray(head.end, head.after);
    return replaced(bytes, head.at, head.after, concatBytes(open, inner, new Uint8Array([0xff])));
  },
  /** Two neighbours of a map or list change places: keys out of order. */
  swap: (bytes, random) => {
    const items = whole(headsOf(bytes));
    const first = random.pick(items);
    const second = items.find(({ at }) => at === first?.after);
    if (first === undefined || second === undefined) return bytes;
    return concatBytes(bytes.subarray(0, first.at), bytes.subarray(second.at, second.after), bytes.subarray(first.at, first.after), bytes.subarray(second.after));
  },
  /** A piece twice: repeated keys, longer lists. */
  duplicate: (bytes, random) => {
    const head = random.pick(whole(headsOf(bytes)));
    if (head === undefined) return bytes;
    return replaced(bytes, head.after, head.after, bytes.subarray(head.at, head.after));
  },
  /** An entry twice in a map whose count says so. */
  repeatEntry: (bytes, random) => {
    const items = whole(headsOf(bytes));
    const map = random.pick(items.filter(({ major, value }) => major === 5 && value > 0n));
    const key = items.find(({ at }) => at === map?.end);
    const value = items.find(({ at }) => at === key?.after);
    if (map === undefined || key === undefined || value === undefined) return bytes;
    return replaced(bytes, map.at, value.after, concatBytes(shortest(5, map.value + 1n), bytes.subarray(key.at, value.after), bytes.subarray(key.at, value.after)));
  },
  tag: (bytes, random) => {
    const head = random.pick(whole(headsOf(bytes)));
    return head === undefined ? bytes : replaced(bytes, head.at, head.at, shortest(6, random.pick([0n, 1n, 2n, 24n, 42n, 55_799n])));
  },
  oddity: (bytes, random) => {
    const head = random.pick(whole(headsOf(bytes)));
    return head === undefined ? bytes : replaced(bytes, head.at, head.after, Buffer.from(random.pick(ODDITIES), "hex"));
  },
  /** A piece of another input in place of a piece of this one. */
  transplant: (bytes, random, others) => {
    const [from, to] = [random.pick(others), random.pick(whole(headsOf(bytes)))];
    const piece = random.pick(whole(headsOf(from)));
    return piece === undefined || to === undefined ? bytes : replaced(bytes, to.at, to.after, from.subarray(piece.at, piece.after));
  },
  nest: (bytes, random) => concatBytes(new Uint8Array(random.pick([1, 30, 300, 2_000])).fill(random.pick([0x81, 0xd8, 0xa1])), bytes),
};

const shortest = (major: number, value: bigint): Uint8Array =>
  headBytes(major, value, value < 24n ? 0 : value < 256n ? 1 : value < 65_536n ? 2 : value < 2n ** 32n ? 4 : 8);
const pickHead = (bytes: Uint8Array, random: Random): Head | undefined => random.pick(headsOf(bytes));

const NAMES = Object.keys(MUTATIONS);
/** One to four changes, one after the other. */
export function mutate(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  let out = bytes;
  for (let count = 1 + (random.chance(3) ? random.int(4) : 0); count > 0; count -= 1) {
    if (out.length === 0) out = random.bytes(1 + random.int(16));
    out = (MUTATIONS[random.pick(NAMES)] as Mutation)(out, random, others);
  }
  return out;
}

const JSON_PIECES = ["null", "true", "-0", "1e400", "1e-7", "9007199254740993", "\"\"", "[]", "{}", "\"\\ud800\"", "\"__proto__\"", "{\"__proto__\":1}", "\"constructor\"", "[[[[[[[[]]]]]]]]", "\u0000", "\ufeff"];
/** For text that is JSON: its values change, not its bytes. */
export function mutateText(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  const text = Buffer.from(bytes).toString();
  const values = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null|\[\]|\{\}/g)];
  if (values.length === 0 || random.chance(4)) return mutate(bytes, random, others);
  const value = random.pick(values);
  const piece = random.chance(3) ? (random.pick([...Buffer.from(random.pick(others)).toString().matchAll(/"(?:[^"\\]|\\.)*"|-?\d+/g)])?.[0] ?? "0") : random.pick(JSON_PIECES);
  return Buffer.from(text.slice(0, value.index) + piece + text.slice(value.index + value[0].length));
}
