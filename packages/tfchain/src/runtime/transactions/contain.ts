/**
 * A bug of the runtime, met by one transaction, is that transaction's failure and nobody else's: whoever finds one must not be
 * able to stop the chain. All validators run the same code on the same state, so all of them meet it alike. What comes from
 * the machine is another matter (a disk that fails, a stack that is too small here and not there): it must stop this machine
 * instead of making it disagree with the others.
 */
import { GridError, type Schema, messageOf } from "@tfgrid/primitives";
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

/** Every read of a block goes through here, so it costs no function of its own. */
class Watch implements RowReader {
  failed = false;
  readonly #below: StateReader;

  constructor(below: StateReader) {
    this.#below = below;
  }

  protected fail(error: unknown): never {
    this.failed = true;
    throw error;
  }

  get(key: string): Uint8Array | undefined {
    try {
      return this.#below.get(key);
    } catch (error) {
      return this.fail(error);
    }
  }

  *range(options: Parameters<StateReader["range"]>[0]): ReturnType<StateReader["range"]> {
    try {
      yield* this.#below.range(options);
    } catch (error) {
      this.fail(error);
    }
  }

  readRow<V>(key: string, schema: Schema<V>): V | undefined {
    try {
      return readRow(this.#below, key, schema);
    } catch (error) {
      return this.fail(error);
    }
  }
}

class WriteWatch extends Watch implements RowWriter {
  readonly #below: StateWriter;

  constructor(below: StateWriter) {
    super(below);
    this.#below = below;
  }

  set(key: string, value: Uint8Array): void {
    try {
      this.#below.set(key, value);
    } catch (error) {
      this.fail(error);
    }
  }

  delete(key: string): void {
    try {
      this.#below.delete(key);
    } catch (error) {
      this.fail(error);
    }
  }

  writeRow<V>(key: string, schema: Schema<V>, value: V, bytes?: Uint8Array): void {
    try {
      writeRow(this.#below, bytes === undefined ? { key, schema, value } : { key, schema, value, bytes });
    } catch (error) {
      this.fail(error);
    }
  }
}

/** The same state, to be read; what it throws is remembered. */
export function watchReader(below: StateReader): Watched<RowReader> {
  const state = new Watch(below);
  return { state, hasFailed: () => state.failed };
}

/** As `watchReader`, for a state that is written. */
export function watchWriter(below: StateWriter): Watched<RowWriter> {
  const state = new WriteWatch(below);
  return { state, hasFailed: () => state.failed };
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
