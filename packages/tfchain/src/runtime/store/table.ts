/** Typed tables over the key-value state. Ids are zero-padded, so that byte order of keys is order of ids. */
import { type Schema, decodeTrusted, encode } from "@tfgrid/primitives";
import type { StateReader, StateWriter } from "../api.ts";

/** Digits of Number.MAX_SAFE_INTEGER. */
const ID_DIGITS = 16;
/** CBOR null: the value of keys that say all in their name. */
const PRESENT = new Uint8Array([0xf6]);

export const padId = (id: number): string => id.toString().padStart(ID_DIGITS, "0");
export const lastPart = (key: string): string => key.slice(key.lastIndexOf("/") + 1);

/**
 * What bytes decode to, remembered as long as the bytes themselves live: within a block the same rows are read again and again.
 * Rows are never changed in place, so what was stored is what would be decoded.
 */
const decoded = new WeakMap<Uint8Array, unknown>();

function decodeRow<V>(schema: Schema<V>, bytes: Uint8Array): V {
  const known = decoded.get(bytes);
  if (known !== undefined) return known as V;
  const value = decodeTrusted(schema, bytes);
  decoded.set(bytes, value);
  return value;
}

export function encodeRow<V>(schema: Schema<V>, value: V): Uint8Array {
  const bytes = encode(schema, value);
  decoded.set(bytes, value);
  return bytes;
}

/** A writer that keeps rows as values: what is written several times in one batch is encoded once. */
export interface RowWriter extends StateWriter {
  setRow<V>(key: string, schema: Schema<V>, value: V): void;
  /** The row as it was set, when this writer has it as a value. */
  getRow(key: string): { readonly value: unknown } | undefined;
}

const isRowWriter = (state: StateReader): state is RowWriter => "setRow" in state;

function readRow<V>(state: StateReader, key: string, schema: Schema<V>): V | undefined {
  const row = isRowWriter(state) ? state.getRow(key) : undefined;
  if (row !== undefined) return row.value as V;
  const bytes = state.get(key);
  return bytes === undefined ? undefined : decodeRow(schema, bytes);
}

function writeRow<V>(state: StateWriter, key: string, schema: Schema<V>, value: V): void {
  if (isRowWriter(state)) state.setRow(key, schema, value);
  else state.set(key, encodeRow(schema, value));
}

export interface ListOptions {
  /** Exclusive. */
  readonly after?: number;
  readonly limit?: number;
}

/** From `PREFIX/` to `PREFIX0`: `0` is the character after `/`. */
export function prefixRange(prefix: string, options: ListOptions = {}): { gte: string; lt: string; limit?: number } {
  const gte = options.after === undefined ? `${prefix}/` : `${prefix}/${padId(options.after + 1)}`;
  return { gte, lt: `${prefix}0`, ...(options.limit === undefined ? {} : { limit: options.limit }) };
}

export interface Table<K, V> {
  readonly prefix: string;
  readonly schema: Schema<V>;
  readonly key: (id: K) => string;
  readonly get: (state: StateReader, id: K) => V | undefined;
  readonly put: (state: StateWriter, id: K, value: V) => void;
  readonly delete: (state: StateWriter, id: K) => void;
  readonly list: (state: StateReader, options?: ListOptions) => V[];
  /** All rows, lazily. */
  readonly all: (state: StateReader, options?: ListOptions) => Iterable<V>;
}

export function table<K extends number | string, V>(options: { readonly prefix: string; readonly schema: Schema<V> }): Table<K, V> {
  const { prefix, schema } = options;
  const key = (id: K): string => `${prefix}/${typeof id === "number" ? padId(id) : id}`;
  function* rows(state: StateReader, list: ListOptions = {}): Iterable<V> {
    for (const [, bytes] of state.range(prefixRange(prefix, list))) yield decodeRow(schema, bytes);
  }
  return {
    prefix,
    schema,
    key,
    get: (state, id) => readRow(state, key(id), schema),
    put: (state, id, value) => writeRow(state, key(id), schema, value),
    delete: (state, id) => state.delete(key(id)),
    list: (state, list) => [...rows(state, list)],
    all: (state, list) => rows(state, list),
  };
}

/** One value under one key. */
export interface Cell<V> {
  readonly key: string;
  readonly schema: Schema<V>;
  readonly get: (state: StateReader) => V | undefined;
  readonly put: (state: StateWriter, value: V) => void;
}

export function cell<V>(key: string, schema: Schema<V>): Cell<V> {
  return {
    key,
    schema,
    get: (state) => readRow(state, key, schema),
    put: (state, value) => writeRow(state, key, schema, value),
  };
}

/** A set of ids under an owner: `PREFIX/OWNER.../ID`. */
export interface IdIndex<O extends readonly (number | string)[]> {
  readonly prefix: string;
  readonly key: (owner: O, id: number) => string;
  readonly add: (state: StateWriter, owner: O, id: number) => void;
  readonly remove: (state: StateWriter, owner: O, id: number) => void;
  /** Ascending. */
  readonly ids: (state: StateReader, owner: O, options?: ListOptions) => Iterable<number>;
}

export function idIndex<O extends readonly (number | string)[]>(prefix: string): IdIndex<O> {
  const under = (owner: O): string => [prefix, ...owner.map((part) => (typeof part === "number" ? padId(part) : part))].join("/");
  const key = (owner: O, id: number): string => `${under(owner)}/${padId(id)}`;
  return {
    prefix,
    key,
    add: (state, owner, id) => state.set(key(owner, id), PRESENT),
    remove: (state, owner, id) => state.delete(key(owner, id)),
    ids: function* (state, owner, options) {
      for (const [entry] of state.range(prefixRange(under(owner), options))) yield Number(lastPart(entry));
    },
  };
}
