/** The WebSocket side of the RPC: calls in any order, and event streams. */
import type { Server } from "node:http";
import { type GridError, type Logger, fromUtf8, isGridError } from "@tfgrid/primitives";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import type { Engine } from "../engines/engine.ts";
import { RPC_LIMITS } from "../limits.ts";
import { chainErrors } from "../light/errors.ts";
import { type Handler, answer, answerBatch, errorAnswer, parseJson } from "./dispatch.ts";
import { Follower } from "./follow.ts";
import { bindMethod } from "./handlers.ts";

export interface SocketSide {
  readonly engine: Engine;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly logger: Logger;
}

/** Returns the way to close all connections. */
export function serveWebSockets(server: Server, side: SocketSide): () => void {
  const sockets = new WebSocketServer({ server, maxPayload: RPC_LIMITS.bodyBytes, perMessageDeflate: false });
  // It repeats the server's own errors, which the server's owner hears: an address in use must not end the program unheard.
  sockets.on("error", () => undefined);
  sockets.on("connection", (socket) => void new Connection(socket, side));
  return () => {
    for (const socket of sockets.clients) socket.close(1001, "chain.stopped");
    sockets.close();
    setTimeout(() => {
      for (const socket of sockets.clients) socket.terminate();
    }, 500).unref();
  };
}

class Connection {
  readonly #socket: WebSocket;
  readonly #side: SocketSide;
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #followers = new Map<number, Follower>();
  #lastId = 0;
  #open = 0;

  constructor(socket: WebSocket, side: SocketSide) {
    this.#socket = socket;
    this.#side = side;
    this.#handlers = new Map([
      ...side.handlers,
      ["events.follow", bindMethod("events.follow", ({ from }) => this.#follow(from))],
      ["events.unfollow", bindMethod("events.unfollow", ({ subscription }) => this.#unfollow(subscription))],
    ]);
    socket.on("message", (data: RawData) => void this.#onMessage(data));
    // Oversized or malformed frames: ws closes the connection with the matching code (1009, 1007, 1002).
    socket.on("error", (error) => side.logger.debug("a connection failed", { error }));
    socket.on("close", () => {
      for (const follower of this.#followers.values()) follower.end();
      this.#followers.clear();
    });
  }

  async #onMessage(data: RawData): Promise<void> {
    let calls = 0;
    try {
      const value = parseJson(textOf(data));
      const wanted = Array.isArray(value) ? value.length : 1;
      if (this.#open + wanted > RPC_LIMITS.openCallsPerConnection) throw chainErrors.fail("rpc.too_many_requests");
      calls = wanted;
      this.#open += calls;
      const answering = { handlers: this.#handlers, logger: this.#side.logger };
      const reply = await (Array.isArray(value) ? answerBatch(value, answering) : answer({ value, ...answering }));
      if (reply !== undefined) this.#send(reply);
    } catch (error) {
      this.#refuse(isGridError(error) ? error : chainErrors.fail("rpc.parse_error", { cause: error }));
    } finally {
      this.#open -= calls;
    }
  }

  #refuse(error: GridError): void {
    this.#send(errorAnswer(null, error));
  }

  #send(text: string): void {
    this.#socket.send(text);
    if (this.#socket.bufferedAmount > RPC_LIMITS.unreadBytes) {
      this.#socket.close(1008, "rpc.slow_reader");
      setTimeout(() => this.#socket.terminate(), 1_000).unref();
    }
  }

  #follow(from: number | undefined): { subscription: number; from: never } {
    const { engine, logger } = this.#side;
    if (this.#followers.size >= RPC_LIMITS.subscriptionsPerConnection) throw chainErrors.fail("rpc.too_many_requests");
    const start = from ?? engine.head().height + 1;
    // Refuses a pruned height before anything is promised.
    engine.events(start, 1);
    this.#lastId += 1;
    const id = this.#lastId;
    const follower = new Follower({ socket: this.#socket, engine, id, from: start });
    this.#followers.set(id, follower);
    // After the answer, so that the subscription's number is known before its first block.
    setImmediate(() => {
      follower.run().catch((error: unknown) => {
        logger.error("a follower failed", { error });
        follower.cutOff(isGridError(error) ? error : chainErrors.fail("rpc.internal"));
      });
    });
    return { subscription: id, from: start as never };
  }

  #unfollow(id: number): boolean {
    this.#followers.get(id)?.end();
    return this.#followers.delete(id);
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return fromUtf8(Buffer.concat(data));
  return fromUtf8(data instanceof ArrayBuffer ? new Uint8Array(data) : data);
}
