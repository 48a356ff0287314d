/**
 * Is this the one canonical DAG-CBOR encoding of something? Written for the fuzzer alone, straight from RFC 8949 section 4.2.1
 * and the DAG-CBOR specification, and sharing no line with the decoders under test: a second opinion.
 */
const MAX_NESTING = 10_000;
const CID_BYTES = 37;

export function isCanonical(bytes: Uint8Array): boolean {
  try {
    return item(bytes, 0, 0) === bytes.length;
  } catch (error) {
    if (error instanceof NotCanonical) return false;
    throw error;
  }
}

class NotCanonical extends Error {}
const no = (why: string): never => {
  throw new NotCanonical(why);
};

/** Index after the item that begins at `at`. */
function item(bytes: Uint8Array, at: number, depth: number): number {
  if (depth > MAX_NESTING) no("too deep");
  const first = bytes[at] ?? no("ends early");
  const major = first >> 5;
  if (major === 7) return simple(bytes, at, first & 31);
  const { value, end } = argument(bytes, at, first & 31);
  switch (major) {
    case 0:
    case 1:
      return end;
    case 2:
      return within(bytes, end + value);
    case 3:
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(utf8Checked(bytes.subarray(end, within(bytes, end + value))));
      return end + value;
    case 4: {
      let next = end;
      for (let index = 0; index < value; index += 1) next = item(bytes, next, depth + 1);
      return next;
    }
    case 5:
      return map(bytes, { at: end, pairs: value, depth });
    default:
      return link(bytes, { at: end, tag: value });
  }
}

const within = (bytes: Uint8Array, end: number): number => (end <= bytes.length ? end : no("ends early"));

function utf8Checked(bytes: Uint8Array): Uint8Array {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    no("no UTF-8");
  }
  return bytes;
}

/** The shortest of five forms. */
function argument(bytes: Uint8Array, at: number, info: number): { readonly value: number; readonly end: number } {
  if (info < 24) return { value: info, end: at + 1 };
  if (info > 27) no("indefinite or reserved");
  const size = 1 << (info - 24);
  within(bytes, at + 1 + size);
  let value = 0n;
  for (let index = 1; index <= size; index += 1) value = (value << 8n) | BigInt(bytes[at + index] as number);
  const least = [24n, 1n << 8n, 1n << 16n, 1n << 32n][info - 24] as bigint;
  if (value < least) no("not the shortest form");
  return { value: Number(value), end: at + 1 + size };
}

/** false, true, null, and doubles that are finite numbers. */
function simple(bytes: Uint8Array, at: number, info: number): number {
  if (info >= 20 && info <= 22) return at + 1;
  if (info !== 27) no("undefined, short float or unknown simple value");
  within(bytes, at + 9);
  const value = new DataView(bytes.buffer, bytes.byteOffset + at + 1, 8).getFloat64(0);
  if (!Number.isFinite(value)) no("no finite number");
  return at + 9;
}

/** Keys are text, each once, shorter ones first, else by their bytes. */
function map(bytes: Uint8Array, { at, pairs, depth }: { readonly at: number; readonly pairs: number; readonly depth: number }): number {
  let next = at;
  let before: Uint8Array | undefined;
  for (let index = 0; index < pairs; index += 1) {
    if ((bytes[next] ?? no("ends early")) >> 5 !== 3) no("a key that is no text");
    const end = item(bytes, next, depth + 1);
    const key = bytes.subarray(next, end);
    if (before !== undefined && !ascends(before, key)) no("keys out of order");
    before = key;
    next = item(bytes, end, depth + 1);
  }
  return next;
}

/** The head carries the length, so bytes decide: a longer key has the larger head. */
function ascends(before: Uint8Array, key: Uint8Array): boolean {
  return Buffer.compare(before, key) < 0;
}

function link(bytes: Uint8Array, { at, tag }: { readonly at: number; readonly tag: number }): number {
  if (tag !== 42) no("a tag that is no link");
  if ((bytes[at] ?? no("ends early")) >> 5 !== 2) no("a link that is no byte string");
  const end = item(bytes, at, 0);
  // CIDs of other forms exist, but none that a value of this ledger may hold.
  if (bytes[end - CID_BYTES] !== 0) no("a link without its leading zero");
  return end;
}
