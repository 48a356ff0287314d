/**
 * The ABCI socket server: frames in, frames out, strictly in order. Requests may be prepared side by side (signatures are
 * checked on other threads), but each is carried out in one synchronous step, when its turn comes. cometbft ends itself when an
 * answer comes out of order or is an exception, so neither is ever sent: a handler that throws ends this program instead.
 */
import { rmSync } from "node:fs";
import { type Server, type Socket, createServer } from "node:net";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Logger, isGridError, messageOf } from "@tfgrid/primitives";
import { COMET_LIMITS } from "../../limits.ts";
import { cometErrors } from "./errors.ts";
import { FrameReader, frameHead } from "./frames.ts";
import { type Request, RequestSchema, type Response, ResponseSchema } from "./wire/index.ts";

export type RequestValue = Exclude<Request["value"], { case: undefined }>;
export type ResponseValue = Exclude<Response["value"], { case: undefined | "exception" }>;
/** One synchronous step: the state change, if it is one, and the answer. */
export type Step = () => ResponseValue;

export interface AbciHandler {
  /** Called in order of arrival; what it returns is carried out in order of arrival, when its promise is fulfilled. */
  begin(request: RequestValue): Step | Promise<Step>;
}

export interface AbciServerOptions {
  readonly handler: AbciHandler;
  readonly listen: AbciAddress;
  readonly logger: Logger;
  /** A handler failed. Nothing more is answered; the program must end. */
  readonly onFatal: (error: unknown) => void;
}

export type AbciAddress = { readonly kind: "unix"; readonly path: string } | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export interface AbciServer {
  /** Connections that are open. */
  connections(): number;
  /** Answers nothing more, and ends all connections. */
  stop(): Promise<void>;
}

export async function startAbciServer(options: AbciServerOptions): Promise<AbciServer> {
  const { listen, logger } = options;
  const open = new Set<Connection>();
  const server = createServer((socket) => {
    const connection = new Connection(socket, options);
    open.add(connection);
    socket.once("close", () => open.delete(connection));
  });
  // A socket file that a killed program left is not in use any more: the data folder's lock says so.
  if (listen.kind === "unix") rmSync(listen.path, { force: true });
  await listening(server, listen);
  logger.debug("ABCI is served", { ...listen });
  return {
    connections: () => open.size,
    stop: () => {
      for (const connection of open) connection.end();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listening(server: Server, address: AbciAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    if (address.kind === "unix") server.listen(address.path, resolve);
    else server.listen(address.port, address.host, resolve);
  });
}

interface Waiting {
  readonly bytes: number;
  readonly kind: RequestValue["case"];
  /** undefined: still being prepared. */
  step: Step | undefined;
}

export class Connection {
  readonly #socket: Socket;
  readonly #options: AbciServerOptions;
  readonly #frames = new FrameReader(COMET_LIMITS.frameBytes);
  #queue: Waiting[] = [];
  #first = 0;
  #waitingBytes = 0;
  #out: Uint8Array[] = [];
  #outBytes = 0;
  #ended = false;

  constructor(socket: Socket, options: AbciServerOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("drain", () => this.#drain());
    socket.on("error", (error) => options.logger.debug("an ABCI connection failed", { error }));
    socket.on("close", () => {
      this.#ended = true;
    });
  }

  end(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #onData(chunk: Uint8Array): void {
    if (this.#ended) return;
    for (const { request, bytes } of this.#requestsOf(chunk)) this.#begin(request, bytes);
    this.#drain();
  }

  get #isFull(): boolean {
    return this.#queue.length - this.#first >= COMET_LIMITS.openRequests || this.#waitingBytes >= COMET_LIMITS.openRequestBytes;
  }

  /** What is not ABCI ends the connection: after it no frame can be told from another. */
  #requestsOf(chunk: Uint8Array): { readonly request: RequestValue; readonly bytes: number }[] {
    try {
      return this.#frames.push(chunk).map((frame) => ({ request: decodeRequest(frame), bytes: frame.length }));
    } catch (cause) {
      const error = isGridError(cause) ? cause : cometErrors.fail("cometbft.bad_frame", { message: `A frame is not a request of ABCI: ${messageOf(cause)}`, cause });
      this.#options.logger.error("an ABCI connection was closed", { error });
      this.end();
      return [];
    }
  }

  #begin(request: RequestValue, bytes: number): void {
    const waiting: Waiting = { bytes, kind: request.case, step: undefined };
    this.#queue.push(waiting);
    this.#waitingBytes += bytes;
    if (this.#isFull) this.#socket.pause();
    try {
      const begun = this.#options.handler.begin(request);
      if (!(begun instanceof Promise)) {
        waiting.step = begun;
        return;
      }
      void this.#prepared(waiting, begun);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #prepared(waiting: Waiting, begun: Promise<Step>): Promise<void> {
    try {
      waiting.step = await begun;
    } catch (error) {
      this.#fail(error);
    }
    this.#drain();
  }

  #drain(): void {
    try {
      for (let next = this.#queue[this.#first]; !this.#ended && next?.step !== undefined; next = this.#queue[this.#first]) {
        this.#first += 1;
        this.#waitingBytes -= next.bytes;
        this.#answer(next.step());
        if (next.kind === "flush") this.#flush();
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#first === this.#queue.length || this.#first > COMET_LIMITS.openRequests) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    if (!this.#isFull && this.#socket.isPaused() && !this.#socket.writableNeedDrain) this.#socket.resume();
  }

  #answer(value: ResponseValue): void {
    const bytes = toBinary(ResponseSchema, { $typeName: "tendermint.abci.Response", value });
    this.#out.push(frameHead(bytes.length), bytes);
    this.#outBytes += bytes.length;
    if (this.#outBytes >= COMET_LIMITS.unflushedBytes) this.#flush();
  }

  #flush(): void {
    if (this.#out.length === 0) return;
    // A reader that is slower than we are gets no further requests answered until it has read.
    if (!this.#socket.write(Buffer.concat(this.#out))) this.#socket.pause();
    this.#out = [];
    this.#outBytes = 0;
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.end();
    this.#options.onFatal(error);
  }
}

function decodeRequest(frame: Uint8Array): RequestValue {
  const { value } = fromBinary(RequestSchema, frame);
  if (value.case === undefined) throw cometErrors.fail("cometbft.bad_frame", { message: "A frame names no method that this ledger knows." });
  return value;
}
