/**
 * Rows as values: what is read several times is decoded once, what is written is not decoded again. Rows are never changed in
 * place, so what was stored is what would be decoded. Kept for one block or one committed version and then dropped as a
 * whole: nothing here can outlive what it was read from.
 */
import { type Schema, decodeTrusted, encode } from "@tfgrid/primitives";
import type { StateReader, StateWriter } from "../api.ts";

/** Rows that are remembered at once (some 500 bytes each): more than a block touches, and strangers can ask for no more. */
const MAX_KNOWN = 50_000;

export interface RowReader extends StateReader {
  readRow<V>(key: string, schema: Schema<V>): V | undefined;
}

export interface RowWriter extends StateWriter, RowReader {
  /** `bytes`: the row's encoding, when it is made already. @throws GridError codec.invalid_value */
  writeRow<V>(key: string, schema: Schema<V>, value: V, bytes?: Uint8Array): void;
}

const isRowReader = (state: StateReader): state is RowReader => "readRow" in state;
const isRowWriter = (state: StateWriter): state is RowWriter => "writeRow" in state;

export function readRow<V>(state: StateReader, key: string, schema: Schema<V>): V | undefined {
  if (isRowReader(state)) return state.readRow(key, schema);
  const bytes = state.get(key);
  return bytes === undefined ? undefined : decodeTrusted(schema, bytes);
}

export function writeRow<V>(state: StateWriter, row: { readonly key: string; readonly schema: Schema<V>; readonly value: V; readonly bytes?: Uint8Array }): void {
  const { key, schema, value, bytes } = row;
  if (isRowWriter(state)) state.writeRow(key, schema, value, bytes);
  else state.set(key, bytes ?? encode(schema, value));
}

function rememberedRows(state: StateReader, known: Map<string, unknown>): RowReader["readRow"] {
  return <V>(key: string, schema: Schema<V>): V | undefined => {
    const value = known.get(key);
    if (value !== undefined || known.has(key)) return value as V | undefined;
    const fresh = readRow(state, key, schema);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, fresh);
    return fresh;
  };
}

/** A version of the state that does not change while this is used, as rows. */
export function rowsOf(state: StateReader): RowReader {
  return { get: (key) => state.get(key), range: (options) => state.range(options), readRow: rememberedRows(state, new Map()) };
}

/** The state that a block changes, as rows. Everything that is written to it must go through this. */
export function rowsOver(state: StateWriter): RowWriter {
  const known = new Map<string, unknown>();
  return {
    get: (key) => state.get(key),
    range: (options) => state.range(options),
    readRow: rememberedRows(state, known),
    set: (key, bytes) => {
      known.delete(key);
      state.set(key, bytes);
    },
    delete: (key) => {
      known.delete(key);
      state.delete(key);
    },
    writeRow: (key, schema, value, bytes = encode(schema, value)) => {
      state.set(key, bytes);
      known.set(key, value);
    },
  };
}
