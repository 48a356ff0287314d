/**
 * Errors are part of the product: every failure that a person or a program can meet has a stable code
 * (`room.what_happened`), a sentence that says what happened and a sentence that says what to do next.
 */

/** Structured facts about one failure. JSON-safe so that an error can cross a wire unchanged. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface GridErrorInit {
  /** Stable, lower snake case, prefixed by the room: `contracts.capacity_exceeded`. */
  readonly code: string;
  /** What happened, in one sentence for people. */
  readonly message: string;
  /** What to do next, in one sentence for people. */
  readonly cure: string;
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/** The form of an error on every wire (JSON-RPC `data`, REST bodies, messaging answers, `--json` output). */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly cure: string;
  readonly details?: ErrorDetails;
}

/** An operating error: expected to happen, to be handled or shown. Programmer errors are plain `Error`s and crash. */
export class GridError extends Error {
  override readonly name = "GridError";
  readonly code: string;
  readonly cure: string;
  readonly details: ErrorDetails;

  constructor(init: GridErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.cure = init.cure;
    this.details = init.details ?? {};
  }

  toWire(): WireError {
    return { code: this.code, message: this.message, cure: this.cure, details: this.details };
  }

  static fromWire(wire: WireError): GridError {
    return new GridError(wire);
  }
}

export function isGridError(error: unknown): error is GridError {
  return error instanceof GridError;
}

/** Narrow by code without string comparison spread over the callers. */
export function hasCode(error: unknown, code: string): boolean {
  return isGridError(error) && error.code === code;
}

/** The message of anything that was thrown, for logs and `cause` chains. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One row of the error catalogue: the message of an instance may add specifics, code and cure stay. */
export interface ErrorSpec {
  readonly summary: string;
  readonly cure: string;
}

export type ErrorCatalogue = Readonly<Record<string, ErrorSpec>>;

/** What a thrower adds to a catalogue row. */
export interface ErrorContext {
  /** Replaces the catalogue's summary with the specifics of this case. */
  readonly message?: string;
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/**
 * Defines the error catalogue of a room and returns the only way to make its errors, so that no code exists
 * outside a catalogue. `errorCatalogue()` of every room together is what `docs/errors.md` lists.
 */
export function defineErrors<const C extends ErrorCatalogue>(
  catalogue: C,
): {
  readonly catalogue: C;
  readonly fail: (code: keyof C & string, context?: ErrorContext) => GridError;
} {
  const fail = (code: keyof C & string, context: ErrorContext = {}): GridError => {
    const spec = catalogue[code];
    if (spec === undefined) throw new Error(`error code ${code} is not in the catalogue`);
    return new GridError({
      code,
      message: context.message ?? spec.summary,
      cure: spec.cure,
      ...(context.details === undefined ? {} : { details: context.details }),
      ...(context.cause === undefined ? {} : { cause: context.cause }),
    });
  };
  return { catalogue, fail };
}
