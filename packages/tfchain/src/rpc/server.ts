/** The ledger's RPC over HTTP and WebSocket on one port. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type GridError, type Logger, fromUtf8, isGridError } from "@tfgrid/primitives";
import type { Engine } from "../engines/engine.ts";
import { RPC_LIMITS } from "../limits.ts";
import { chainErrors } from "../light/errors.ts";
import type { Runtime } from "../runtime/api.ts";
import { type Handler, answer, answerBatch, errorAnswer, parseJson } from "./dispatch.ts";
import { gateOf, handlersOf } from "./handlers.ts";
import { serveWebSockets } from "./websocket.ts";

export interface RpcOptions {
  readonly engine: Engine;
  readonly runtime: Runtime;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly logger: Logger;
}

export interface RpcServer {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Anyone may read the ledger from a web page: no cookies or other ambient rights exist here. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST, OPTIONS",
  "access-control-allow-headers": "content-type",
  "access-control-max-age": "86400",
};

export async function startRpc(options: RpcOptions): Promise<RpcServer> {
  const { engine, logger } = options;
  const handlers = handlersOf(engine, options.runtime);
  handlers.set("events.follow", websocketOnly).set("events.unfollow", websocketOnly);
  const server = createServer({ requestTimeout: RPC_LIMITS.requestTimeoutMs, headersTimeout: RPC_LIMITS.requestTimeoutMs, keepAliveTimeout: RPC_LIMITS.keepAliveMs });
  server.on("request", (request, response) => void onRequest({ request, response, engine, handlers, logger }));
  boundConnections(server);
  const closeSockets = serveWebSockets(server, { engine, handlers, logger });
  await listen(server, options).catch((error: unknown) => {
    closeSockets();
    throw error;
  });
  return {
    host: options.host,
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      closeSockets();
      server.closeIdleConnections();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      setTimeout(() => server.closeAllConnections(), 1_000).unref();
      await closed;
    },
  };
}

/** @throws GridError rpc.address_unusable */
function listen(server: Server, { host, port }: Pick<RpcOptions, "host" | "port">): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(chainErrors.fail("rpc.address_unusable", { message: `The RPC cannot listen on ${host}:${port}: ${cause.message}`, details: { host, port }, cause })));
    server.listen(port, host, resolve);
  });
}

function websocketOnly(): never {
  throw chainErrors.fail("rpc.websocket_only");
}

function boundConnections(server: Server): void {
  let open = 0;
  server.on("connection", (socket: Socket) => {
    open += 1;
    socket.once("close", () => {
      open -= 1;
    });
    if (open <= RPC_LIMITS.connections) return;
    const body = errorAnswer(null, chainErrors.fail("rpc.too_many_connections"));
    socket.end(`HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  });
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly engine: Engine;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly logger: Logger;
}

async function onRequest(exchange: Exchange): Promise<void> {
  const { request, response, logger } = exchange;
  const path = (request.url ?? "/").split("?", 1)[0];
  try {
    if (request.method === "OPTIONS") return reply(response, 204, undefined);
    if (request.method === "GET" && path === "/health") return health(response, exchange.engine);
    if (request.method === "POST" && path === "/comet") return reply(response, 200, await gateOf(exchange.engine).ask(parseJson(await bodyOf(request))));
    if (request.method !== "POST" || (path !== "/" && path !== "/rpc")) return refuse(response, 404, chainErrors.fail("rpc.not_found"));
    const text = await bodyOf(request);
    const out = await answerBody(text, exchange);
    reply(response, out === undefined ? 204 : 200, out);
  } catch (error) {
    if (!isGridError(error)) {
      logger.debug("a request was not received", { error });
      response.destroy();
    } else refuse(response, error.code === "rpc.too_large" ? 413 : 400, error);
  }
}

async function answerBody(text: string, { handlers, logger }: Exchange): Promise<string | undefined> {
  const value = parseJson(text);
  return Array.isArray(value) ? answerBatch(value, { handlers, logger }) : answer({ value, handlers, logger });
}

/** @throws GridError rpc.too_large, rpc.parse_error */
async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > RPC_LIMITS.bodyBytes) {
      throw chainErrors.fail("rpc.too_large", { message: `A request has at most ${RPC_LIMITS.bodyBytes} bytes.`, details: { maxBytes: RPC_LIMITS.bodyBytes } });
    }
    chunks.push(chunk);
  }
  try {
    return fromUtf8(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
  } catch (cause) {
    throw chainErrors.fail("rpc.parse_error", { message: "The request is not UTF-8.", cause });
  }
}

/** For monitors: 503 while what this server answers is old, or no blocks are made. */
function health(response: ServerResponse, engine: Engine): void {
  const { chainId, height, timeMs, pending, catchingUp, stalledSinceMs } = engine.status();
  const ok = !catchingUp && stalledSinceMs === null;
  reply(response, ok ? 200 : 503, JSON.stringify({ ok, chainId, height, timeMs, pending, catchingUp, stalledSinceMs }));
}

function reply(response: ServerResponse, status: number, body: string | undefined): void {
  // Whoever does not read what was asked for must not make us keep it.
  response.setTimeout(RPC_LIMITS.requestTimeoutMs, () => response.destroy());
  response.writeHead(status, { ...CORS, ...(body === undefined ? {} : { "content-type": "application/json" }) });
  response.end(body);
}

function refuse(response: ServerResponse, status: number, error: GridError): void {
  // What is left of an oversized body is not read: the connection ends with the answer.
  response.setHeader("connection", "close");
  reply(response, status, errorAnswer(null, error));
}
