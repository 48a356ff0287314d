/** JSON-RPC over fetch: typed by the method table, bounded in time and size. Works in Node and in browsers. */
import { GridError, type JsonValue, type Schema, type WireError, messageOf } from "@tfgrid/primitives";
import { CLIENT_LIMITS } from "../limits.ts";
import { chainErrors } from "../light/errors.ts";
import { outbox } from "./outbox.ts";
import { type MethodName, type Methods, methods } from "../rpc/methods.ts";

export type ParamsOf<M extends MethodName> = ReturnType<Methods[M]["params"]["fromJson"]>;
export type ResultOf<M extends MethodName> = ReturnType<Methods[M]["result"]["fromJson"]>;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

export interface Transport {
  readonly url: string;
  /** One attempt. @throws GridError with the server's code, chain.unreachable, light.bad_answer; the signal's reason when aborted */
  readonly call: <M extends MethodName>(method: M, params: ParamsOf<M>, options?: CallOptions) => Promise<ResultOf<M>>;
}

export function httpTransport(url: string): Transport {
  let lastId = 0;
  const together = outbox((body, options) => post(url, body, options));
  return {
    url,
    async call(method, params, options = {}) {
      const { params: paramsSchema, result } = methods[method] as unknown as { params: Schema<typeof params>; result: Schema<ResultOf<typeof method>> };
      lastId += 1;
      const request = { jsonrpc: "2.0", id: lastId, method, params: paramsSchema.toJson(params) } as const;
      // Calls with a patience of their own go alone.
      const answer = await (options.timeoutMs === undefined ? together.send(request, options.signal) : post(url, JSON.stringify(request), options));
      return parseResult(method, () => result.fromJson(unwrap(answer)));
    },
  };
}

async function post(url: string, body: string, { signal, timeoutMs = CLIENT_LIMITS.callTimeoutMs }: CallOptions): Promise<unknown> {
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    return JSON.parse(await boundedText(response)) as unknown;
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason;
    if (cause instanceof GridError) throw cause;
    throw unreachable(url, cause);
  }
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > CLIENT_LIMITS.answerBytes) throw chainErrors.fail("light.bad_answer", { message: "The server's answer is too large." });
    text += decoder.decode(chunk as Uint8Array, { stream: true });
  }
  return text + decoder.decode();
}

export function unreachable(url: string, cause: unknown): GridError {
  const reason = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause);
  return chainErrors.fail("chain.unreachable", { message: `The ledger at ${url} does not answer (${reason}).`, details: { url }, cause });
}

/** @throws GridError what the server answered */
export function unwrap(answer: unknown): JsonValue {
  const { result, error } = (answer ?? {}) as { result?: JsonValue; error?: { data?: unknown; message?: unknown } };
  if (error !== undefined) throw wireErrorOf(error.data) ?? chainErrors.fail("light.bad_answer", { message: `The server answered: ${String(error.message)}` });
  if (result === undefined) throw chainErrors.fail("light.bad_answer");
  return result;
}

export function wireErrorOf(data: unknown): GridError | undefined {
  const { code, message, cure, details } = (data ?? {}) as Partial<WireError>;
  if (typeof code !== "string" || typeof message !== "string" || typeof cure !== "string") return undefined;
  return GridError.fromWire({ code, message, cure, ...(details === undefined ? {} : { details }) });
}

function parseResult<T>(method: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof GridError)) throw chainErrors.fail("light.bad_answer", { cause });
    if (cause.code !== "codec.invalid_value" || cause.details["path"] === undefined) throw cause;
    throw chainErrors.fail("light.bad_answer", { message: `The answer to ${method} is not valid: ${cause.message}`, details: { method }, cause });
  }
}
