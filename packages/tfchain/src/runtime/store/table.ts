/** Typed tables over the key-value state. Ids are zero-padded, so that byte order of keys is order of ids. */
import { type Schema, decodeTrusted } from "@tfgrid/primitives";
import type { StateReader, StateWriter } from "../api.ts";
import { readRow, writeRow } from "./rows.ts";

/** Digits of Number.MAX_SAFE_INTEGER. */
const ID_DIGITS = 16;
/** CBOR null: the value of keys that say all in their name. */
const PRESENT = new Uint8Array([0xf6]);

export const padId = (id: number): string => id.toString().padStart(ID_DIGITS, "0");
export const lastPart = (key: string): string => key.slice(key.lastIndexOf("/") + 1);

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
    for (const [, bytes] of state.range(prefixRange(prefix, list))) yield decodeTrusted(schema, bytes);
  }
  return {
    prefix,
    schema,
    key,
    get: (state, id) => readRow(state, key(id), schema),
    put: (state, id, value) => writeRow(state, { key: key(id), schema, value }),
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
    put: (state, value) => writeRow(state, { key, schema, value }),
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
