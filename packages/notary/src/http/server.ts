/** The notary over HTTP. Bodies are DAG-CBOR, errors `{code, message, cure, details}` in JSON. */
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { type CidText, decode, encode, type GridError, isGridError, type Logger, s, type Schema } from "@tfgrid/primitives";
import { chain as types } from "@tfgrid/tfchain";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { NotaryCore } from "../core/notary.ts";
import { notaryErrors } from "../errors.ts";
import { NOTARY_LIMITS as L } from "../limits.ts";
import { CONTENT_TYPE, putBody, signBody, storedDocument } from "../wire.ts";
import type { Guard } from "./guard.ts";

export interface ServerOptions {
  readonly core: NotaryCore;
  readonly guard: Guard;
  readonly logger: Logger;
  readonly health: () => Promise<Record<string, unknown>>;
}

/** Web pages may take part: rights come from signed requests, never from cookies or other ambient rights of a browser. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, PUT, POST, OPTIONS",
  "access-control-allow-headers": "authorization, content-type",
  "access-control-max-age": "86400",
};

type WithCid = { Params: { cid: string } };

export function createServer(options: ServerOptions): FastifyInstance {
  const { core, guard, logger, health } = options;
  const server = Fastify({
    bodyLimit: L.bodyBytes,
    requestTimeout: L.requestTimeoutMs,
    connectionTimeout: 2 * L.requestTimeoutMs,
    routerOptions: { maxParamLength: 128 },
    forceCloseConnections: true,
    frameworkErrors: (error, _request, reply) => void sendError(reply.headers(CORS) as FastifyReply, unreadable(error.message)),
    clientErrorHandler: refuseUnreadable,
  });
  server.server.maxConnections = L.connections;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(CONTENT_TYPE, { parseAs: "buffer" }, (_request, body, done) => done(null, new Uint8Array(body as Buffer)));
  // Before the guard, so that a web page can also read why it was refused.
  server.addHook("onRequest", async (_request, reply) => {
    reply.headers(CORS);
  });
  server.addHook("onRequest", async (request) => guard.admit(request.ip));
  server.setErrorHandler(async (error, request, reply) => {
    const refused = toGridError(error, logger);
    // Who still writes when the connection closes sees a broken pipe instead of the answer.
    if (refused.code === "notary.too_large") await discard(request.raw, L.discardedBytes);
    return sendError(reply, refused);
  });
  server.setNotFoundHandler((_request, reply) => sendError(reply, notaryErrors.fail("notary.bad_request", { message: "There is nothing at this address." })));

  server.options("/*", async (_request, reply) => reply.code(204).send());
  server.get("/health", async () => health());
  server.get<WithCid>("/documents/:cid/proof", async (request) => {
    const cid = cidOf(request);
    const anchor = await core.proof(cid);
    return { cid, anchor: anchor === undefined ? null : types.anchor.toJson(anchor) };
  });
  server.get<WithCid>("/documents/:cid", async (request, reply) => {
    const { twin, hint } = await guard.authenticate(incoming(request));
    const found = await core.get({ twin, hint, cid: cidOf(request) });
    return reply.type(CONTENT_TYPE).send(Buffer.from(encode(storedDocument, found)));
  });
  server.put<WithCid>("/documents/:cid", async (request, reply) => {
    const { twin } = await guard.authenticate(incoming(request));
    await core.put({ twin, cid: cidOf(request), ...bodyOf(putBody, request) });
    return reply.code(204).send();
  });
  server.post<WithCid>("/documents/:cid/signatures", async (request, reply) => {
    const { twin, hint } = await guard.authenticate(incoming(request));
    await core.sign({ twin, hint, cid: cidOf(request), ...bodyOf(signBody, request) });
    return reply.code(204).send();
  });
  return server;
}

/** The words of the HTTP server are about the request; they show nothing of this side. */
const unreadable = (why: string): GridError => notaryErrors.fail("notary.bad_request", { message: why.slice(0, 200) });

/** What is no HTTP never becomes a request: answered on the socket itself. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const late = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const body = JSON.stringify(unreadable(late ? `The request did not arrive within ${L.requestTimeoutMs} ms.` : "This is no HTTP request, or its headers are too long.").toWire());
  socket.end(`HTTP/1.1 ${late ? "408 Request Timeout" : "400 Bad Request"}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`);
}

/** Reads on without keeping anything, up to a bound. */
function discard(body: Readable, maxBytes: number): Promise<void> {
  return new Promise((resolve) => {
    if (body.readableEnded || body.destroyed) return resolve();
    let size = 0;
    body.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) resolve();
    });
    for (const event of ["end", "close", "error"]) body.once(event, () => resolve());
    body.resume();
  });
}

function incoming(request: FastifyRequest): Parameters<Guard["authenticate"]>[0] {
  return {
    authorization: request.headers.authorization,
    method: request.method as "GET" | "PUT" | "POST",
    path: request.url,
    body: request.body instanceof Uint8Array ? request.body : new Uint8Array(0),
  };
}

function cidOf(request: FastifyRequest<WithCid>): CidText {
  return s.cid.fromJson(request.params.cid, "cid");
}

function bodyOf<T>(schema: Schema<T>, request: FastifyRequest): T {
  if (!(request.body instanceof Uint8Array)) throw notaryErrors.fail("notary.bad_request", { message: `Send a body of type ${CONTENT_TYPE}.` });
  return decode(schema, request.body, { maxBytes: L.bodyBytes });
}

const STATUS: Readonly<Record<string, number>> = {
  "notary.not_found": 404,
  "notary.forbidden": 403,
  "notary.altered": 500,
  "notary.too_large": 413,
  "codec.too_large": 413,
  "notary.unauthorized": 401,
  "notary.replayed": 401,
  "notary.clock_skew": 401,
  "notary.bad_signature": 403,
  "notary.too_many_requests": 429,
  "notary.quota_exceeded": 429,
  "notary.chain_unavailable": 503,
  "notary.failed": 500,
};

function sendError(reply: FastifyReply, error: GridError): FastifyReply {
  return reply.code(STATUS[error.code] ?? 400).send(error.toWire());
}

function toGridError(error: unknown, logger: Logger): GridError {
  if (isGridError(error)) return error;
  const status = (error as { statusCode?: number }).statusCode;
  if (status === 413) return notaryErrors.fail("notary.too_large", { details: { maxBytes: L.bodyBytes } });
  if (status !== undefined && status < 500) return notaryErrors.fail("notary.bad_request", { cause: error });
  logger.error("request failed", { error });
  return notaryErrors.fail("notary.failed", { cause: error });
}
