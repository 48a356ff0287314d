/**
 * A bug of the runtime, met by one transaction, is that transaction's failure and nobody else's: whoever finds one must not be
 * able to stop the chain. All validators run the same code on the same state, so all of them meet it alike. What comes from
 * the machine is another matter (a disk that fails, a stack that is too small here and not there): it must stop this machine
 * instead of making it disagree with the others.
 */
import { GridError, messageOf } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { type RowReader, type RowWriter, readRow, writeRow } from "../store/rows.ts";

/** How deep calls may go and how much memory there is differs between machines; V8 tells both by the type of a division by zero. */
const OF_THE_MACHINE = /call stack|allocation/i;

export interface Watched<S> {
  readonly state: S;
  /** The state below has thrown, whatever was made of it since. */
  readonly hasFailed: () => boolean;
}

class Watch {
  failed = false;

  note<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      this.failed = true;
      throw error;
    }
  }

  *rows(from: () => ReturnType<StateReader["range"]>): ReturnType<StateReader["range"]> {
    try {
      yield* from();
    } catch (error) {
      this.failed = true;
      throw error;
    }
  }
}

const readerOf = (below: StateReader, seen: Watch): RowReader => ({
  get: (key) => seen.note(() => below.get(key)),
  range: (options) => seen.rows(() => below.range(options)),
  readRow: (key, schema) => seen.note(() => readRow(below, key, schema)),
});

/** The same state, to be read; what it throws is remembered. */
export function watchReader(below: StateReader): Watched<RowReader> {
  const seen = new Watch();
  return { state: readerOf(below, seen), hasFailed: () => seen.failed };
}

/** As `watchReader`, for a state that is written. */
export function watchWriter(below: StateWriter): Watched<RowWriter> {
  const seen = new Watch();
  const state: RowWriter = {
    ...readerOf(below, seen),
    set: (key, bytes) => seen.note(() => below.set(key, bytes)),
    delete: (key) => seen.note(() => below.delete(key)),
    writeRow: (key, schema, value, bytes) => seen.note(() => writeRow(below, { key, schema, value, ...(bytes === undefined ? {} : { bytes }) })),
  };
  return { state, hasFailed: () => seen.failed };
}

/** Returns for a bug, and for what the ledger says itself. @throws what came from the machine */
export function throwIfOfTheMachine(error: unknown, hasStateFailed: boolean): void {
  if (hasStateFailed || (error instanceof RangeError && OF_THE_MACHINE.test(error.message))) throw error;
}

/** The ledger's own word for why it refuses; `tx.failed` for a bug. @throws what came from the machine */
export function refusalOf(error: unknown, hasStateFailed: boolean): GridError {
  throwIfOfTheMachine(error, hasStateFailed);
  if (error instanceof GridError && (Object.hasOwn(runtimeErrors.catalogue, error.code) || error.code === "codec.invalid_value")) return error;
  return runtimeErrors.fail("tx.failed", { details: { reason: messageOf(error) }, cause: error });
}
