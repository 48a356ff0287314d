/** JSON-RPC 2.0 without a transport: one request value in, one answer value out. */
import { type GridError, type Logger, type WireError, isGridError } from "@tfgrid/primitives";
import { chainErrors } from "../light/errors.ts";

export type Id = string | number | null;

export interface Request {
  readonly id: Id | undefined;
  readonly method: string;
  readonly params: unknown;
}

export type Handler = (params: unknown) => unknown;

/** Codes of the JSON-RPC specification; everything of ours is -32000 with the stable code in `data`. */
const NUMBERS: Readonly<Record<string, number>> = {
  "rpc.parse_error": -32_700,
  "rpc.invalid_request": -32_600,
  "rpc.unknown_method": -32_601,
  "rpc.invalid_params": -32_602,
  "rpc.internal": -32_603,
};

export function errorAnswer(id: Id, error: GridError): string {
  const data: WireError = error.toWire();
  return JSON.stringify({ jsonrpc: "2.0", id, error: { code: NUMBERS[error.code] ?? -32_000, message: error.message, data } });
}

/** A result that is JSON already. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function resultAnswer(id: Id, result: unknown): string {
  if (result instanceof JsonText) return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result.text}}`;
  return JSON.stringify({ jsonrpc: "2.0", id, result: result ?? null });
}

/** @throws GridError rpc.parse_error */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw chainErrors.fail("rpc.parse_error", { cause });
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const isId = (value: unknown): value is Id => value === null || typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
/** Characters of an id: it is echoed, so it is bounded. */
const MAX_ID = 128;

/** @throws GridError rpc.invalid_request */
export function parseRequest(value: unknown): Request {
  if (!isObject(value) || value["jsonrpc"] !== "2.0" || typeof value["method"] !== "string") throw chainErrors.fail("rpc.invalid_request");
  const { id, method, params } = value;
  if (id !== undefined && !isId(id)) throw chainErrors.fail("rpc.invalid_request", { message: "The id must be text, a number or null." });
  if (typeof id === "string" && id.length > MAX_ID) throw chainErrors.fail("rpc.invalid_request", { message: `The id has more than ${MAX_ID} characters.` });
  return { id, method, params: params ?? {} };
}

/** The answer to one request, or undefined for a notification. Never throws. */
export async function answer(options: {
  readonly value: unknown;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly logger: Logger;
}): Promise<string | undefined> {
  let id: Id | undefined = null;
  try {
    const request = parseRequest(options.value);
    id = request.id;
    const handler = options.handlers.get(request.method);
    if (handler === undefined) {
      throw chainErrors.fail("rpc.unknown_method", { message: `There is no method ${JSON.stringify(request.method.slice(0, 60))}.` });
    }
    const result = await handler(request.params);
    return id === undefined ? undefined : resultAnswer(id, result);
  } catch (error) {
    if (!isGridError(error)) options.logger.error("a call failed", { error });
    if (id === undefined) return undefined;
    return errorAnswer(id, isGridError(error) ? error : chainErrors.fail("rpc.internal"));
  }
}
