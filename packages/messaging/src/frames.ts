/** The wire protocol: one channel per request; frames are canonical DAG-CBOR, each one of these. */
import { decode, encode, type ErrorDetails, GridError, type Infer, isGridError, s, type Schema, type WireError } from "@tfgrid/primitives";
import { messagingErrors } from "./errors.ts";
import { MESSAGING_LIMITS } from "./limits.ts";

export const PROTOCOL = "/tfgrid/message/1.0.0";
export const MAX_FRAME_BYTES = MESSAGING_LIMITS.messageBytes + MESSAGING_LIMITS.frameOverheadBytes;

/** Bytes that stay bytes: hex text of a megabyte would be two. */
const body: Schema<Uint8Array> = {
  fromCbor: (value, path = "body") => bytesUpTo(value, path),
  toCbor: (value, path = "body") => bytesUpTo(value, path),
  fromJson: (_value, path = "body") => {
    throw notBytes(path);
  },
  toJson: () => null,
  jsonSchema: () => ({ description: "DAG-CBOR bytes by the method's own schema" }),
};

function bytesUpTo(value: unknown, path: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw notBytes(path);
  if (value.length > MESSAGING_LIMITS.messageBytes) {
    throw messagingErrors.fail("messaging.too_large", {
      message: `A message of ${value.length} bytes where at most ${MESSAGING_LIMITS.messageBytes} are allowed.`,
      details: { sizeBytes: value.length, maxBytes: MESSAGING_LIMITS.messageBytes },
    });
  }
  return value;
}

function notBytes(path: string): GridError {
  return messagingErrors.fail("messaging.bad_message", { message: `${path}: expected bytes` });
}

const MAX_DETAILS = 32;
const MAX_DETAIL_LENGTH = 2_048;
/** Facts of an error: scalars and lists of text, as `ErrorDetails` says, cut to a bound when they leave. */
const details: Schema<ErrorDetails> = {
  fromCbor: (value) => checkedDetails(value),
  toCbor: (value) => checkedDetails(value),
  fromJson: (value) => checkedDetails(value),
  toJson: (value) => value as never,
  jsonSchema: () => ({ type: "object" }),
};

function checkedDetails(value: unknown): ErrorDetails {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw notBytes("details");
  const entries = Object.entries(value);
  const good = entries.length <= MAX_DETAILS && entries.every(([key, entry]) => key.length <= 64 && isDetail(entry));
  if (!good) throw messagingErrors.fail("messaging.bad_message", { message: "details: not the facts of an error" });
  return value as ErrorDetails;
}

function isDetail(value: unknown): boolean {
  if (typeof value === "string") return value.length <= MAX_DETAIL_LENGTH && value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return value.length <= MAX_DETAILS && value.every((entry) => typeof entry === "string" && isDetail(entry));
  return typeof value === "boolean" || value === null;
}

const wireError = s.struct({
  code: s.text({ maxLength: 64, pattern: /^[a-z0-9_]+(\.[a-z0-9_]+)*$/ }),
  message: s.text({ maxLength: 2_048 }),
  cure: s.text({ maxLength: 2_048 }),
  details,
});

export const frame = s.union({
  /** First frame of the caller, and its only one. */
  open: s.struct({
    kind: s.oneOf(["request", "stream"]),
    method: s.text({ maxLength: MESSAGING_LIMITS.methodLength, minLength: 1, pattern: /^[a-z0-9_]+(\.[a-z0-9_]+)*$/ }),
    body,
  }),
  /** The answer, or one item of a stream. */
  item: s.struct({ body }),
  /** Nothing follows. */
  end: s.struct({}),
  error: s.struct({ error: wireError }),
  /** A stream without items still lives. */
  pulse: s.struct({}),
});
export type Frame = Infer<typeof frame>;

export function encodeFrame(value: Frame): Uint8Array {
  return encode(frame, value);
}

/** @throws GridError messaging.bad_message */
export function decodeFrame(bytes: Uint8Array): Frame {
  try {
    return decode(frame, bytes, { maxBytes: MAX_FRAME_BYTES });
  } catch (cause) {
    if (isGridError(cause) && cause.code.startsWith("messaging.")) throw cause;
    throw messagingErrors.fail("messaging.bad_message", { cause });
  }
}

/** @throws GridError messaging.too_large, codec.invalid_value */
export function encodeBody<T>(schema: Schema<T>, value: T): Uint8Array {
  return bytesUpTo(encode(schema, value), "body");
}

export function decodeBody<T>(schema: Schema<T>, bytes: Uint8Array): T {
  return decode(schema, bytes, { maxBytes: MESSAGING_LIMITS.messageBytes });
}

/** Cuts an error to the wire's bounds rather than losing it. */
export function errorFrame(error: GridError): Frame {
  const kept = Object.entries(error.details)
    .slice(0, MAX_DETAILS)
    .filter(([key, value]) => key.length <= 64 && isDetail(value));
  return {
    type: "error",
    error: {
      code: error.code.slice(0, 64),
      message: error.message.toWellFormed().slice(0, 2_048).toWellFormed(),
      cure: error.cure.toWellFormed().slice(0, 2_048).toWellFormed(),
      details: Object.fromEntries(kept),
    },
  };
}

export function errorOf(wire: WireError): GridError {
  return GridError.fromWire(wire);
}
