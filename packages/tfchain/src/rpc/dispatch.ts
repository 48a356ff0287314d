/** JSON-RPC 2.0 without a transport: one request value in, one answer value out. */
import { type GridError, type Logger, type WireError, isGridError } from "@tfgrid/primitives";
import { chainErrors } from "../light/errors.ts";
import { RPC_LIMITS } from "../limits.ts";

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

/** What calls are answered by. */
export interface Answering {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly logger: Logger;
}

/** The answer to one request, or undefined for a notification; with a `refusal` that is the answer. Never throws. */
export async function answer(options: Answering & { readonly value: unknown; readonly refusal?: GridError | undefined }): Promise<string | undefined> {
  let id: Id | undefined = null;
  try {
    const request = parseRequest(options.value);
    id = request.id;
    if (options.refusal !== undefined) throw options.refusal;
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

/** @throws GridError rpc.invalid_request, rpc.too_many_requests */
export function requireBatch(values: readonly unknown[]): void {
  if (values.length === 0) throw chainErrors.fail("rpc.invalid_request", { message: "The batch is empty." });
  if (values.length <= RPC_LIMITS.batchCalls) return;
  throw chainErrors.fail("rpc.too_many_requests", { message: `A batch has at most ${RPC_LIMITS.batchCalls} calls, not ${values.length}.` });
}

/**
 * The answers of a batch; undefined when it has notifications only. A small request must not make us hold an answer of any size: when
 * those before it are large, a call is refused and can be sent again.
 * @throws GridError rpc.invalid_request, rpc.too_many_requests
 */
export async function answerBatch(values: readonly unknown[], answering: Answering): Promise<string | undefined> {
  requireBatch(values);
  let characters = 0;
  let turnBeganMs = performance.now();
  const replies: Promise<string | undefined>[] = [];
  for (const value of values) {
    const reply = answer({ ...answering, value, refusal: characters < RPC_LIMITS.batchAnswerCharacters ? undefined : tooMuch() });
    replies.push(reply);
    void reply.then((text) => (characters += text?.length ?? 0));
    await settledOrLater(reply);
    if (performance.now() - turnBeganMs < RPC_LIMITS.batchTurnMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turnBeganMs = performance.now();
  }
  const texts = (await Promise.all(replies)).filter((text) => text !== undefined);
  return texts.length === 0 ? undefined : `[${texts.join(",")}]`;
}

const tooMuch = (): GridError =>
  chainErrors.fail("rpc.too_many_requests", {
    message: `The answers before this one in the batch have more than ${RPC_LIMITS.batchAnswerCharacters} characters: send this call again.`,
    details: { maxCharacters: RPC_LIMITS.batchAnswerCharacters },
  });

/** Until a call that reads has been answered, at once; what waits for a block goes on beside the calls after it. */
async function settledOrLater(reply: Promise<unknown>): Promise<void> {
  const later = Promise.withResolvers<void>();
  const handle = setImmediate(later.resolve);
  await Promise.race([reply, later.promise]);
  clearImmediate(handle);
}
