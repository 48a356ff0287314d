/** Every refusal in one form, also those that come before a route is found or a request could be read at all. */
import type { Socket } from "node:net";
import { isGridError, type Logger, type WireError } from "@tfgrid/primitives";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { fail } from "../errors.ts";
import { EXPLORER_LIMITS as L } from "../limits.ts";

const STATUS: Readonly<Record<string, number>> = {
  "explorer.unknown_parameter": 400,
  "explorer.invalid_parameter": 400,
  "explorer.invalid_sort": 400,
  "explorer.invalid_request": 400,
  "explorer.not_found": 404,
  "explorer.busy": 503,
  "explorer.too_many_readers": 503,
  "explorer.grid_not_published": 404,
  "explorer.no_image_lookup": 501,
  "explorer.too_many_lookups": 503,
  "explorer.registry_not_public": 403,
  // A resolver's own words (it_contract.*): the registry behind us answered no.
  "it_contract.image_not_found": 404,
  "it_contract.image_denied": 403,
  "it_contract.registry_unreachable": 502,
};

/** Clients of the grid proxy read `error`; everybody else reads the four fields of our errors. */
const bodyOf = (wire: WireError): object => ({ error: wire.message, ...wire });

/** The words of the HTTP server are about the request; they show nothing of this side. */
const refused = (message: string): object => bodyOf(fail("explorer.invalid_request", { message: message.slice(0, 200) }).toWire());

export function sendError(reply: FastifyReply, error: unknown, logger: Logger): FastifyReply {
  if (isGridError(error)) return reply.code(STATUS[error.code] ?? 500).send(bodyOf(error.toWire()));
  const status = (error as FastifyError).statusCode ?? 500;
  if (status < 500) return reply.code(status).send(refused((error as Error).message));
  logger.error("a request failed", { cause: error });
  return reply.code(500).send(bodyOf(fail("explorer.internal").toWire()));
}

/** Addresses that no router takes: bad escapes, endless parts. Hooks have not run, so that all headers are set here. */
export function refuseAddress(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  void reply
    .code(error.statusCode ?? 400)
    .headers({ "access-control-allow-origin": "*", "x-content-type-options": "nosniff", "content-type": "application/json; charset=utf-8" })
    .send(refused(error.message));
}

const UNREADABLE: Readonly<Record<string, readonly [status: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", `The request's line and headers are longer than ${L.maxHeaderBytes} bytes.`],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", `The request did not arrive within ${L.requestTimeoutMs} ms.`],
};
const NO_HTTP = ["400 Bad Request", "This is no HTTP request."] as const;

/** What is no HTTP never becomes a request: answered on the socket itself. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] = UNREADABLE[error.code ?? ""] ?? NO_HTTP;
  const body = JSON.stringify(refused(message));
  socket.end(`HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`);
}
