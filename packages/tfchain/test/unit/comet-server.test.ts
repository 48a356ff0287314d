/** The ABCI socket itself: order, flushing, what is not ABCI, and a handler that fails. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type LogFields, type Logger, silentLogger } from "@tfgrid/primitives";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FrameReader, frameHead } from "../../src/engines/cometbft/frames.ts";
import { type AbciHandler, type AbciServer, type RequestValue, type Step, startAbciServer } from "../../src/engines/cometbft/server.ts";
import * as abci from "../../src/engines/cometbft/wire/index.ts";
import { freePort } from "../support/comet-program.ts";

const MAX = 1024 * 1024;
const echo = (message: string): RequestValue => ({ case: "echo", value: create(abci.RequestEchoSchema, { message }) });
const flush: RequestValue = { case: "flush", value: create(abci.RequestFlushSchema) };
const frameOf = (value: RequestValue): Buffer => {
  const bytes = toBinary(abci.RequestSchema, create(abci.RequestSchema, { value }));
  return Buffer.concat([frameHead(bytes.length), bytes]);
};
const answerOf = (message: string): Step => () => ({ case: "echo", value: create(abci.ResponseEchoSchema, { message }) });

class Peer {
  readonly answers: string[] = [];
  readonly closed: Promise<void>;
  readonly #socket: Socket;

  constructor(path: string) {
    const reader = new FrameReader(MAX);
    this.#socket = connect(path);
    this.#socket.on("error", () => undefined);
    this.#socket.on("data", (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) {
        const { value } = fromBinary(abci.ResponseSchema, frame);
        this.answers.push(value.case === "echo" ? value.value.message : String(value.case));
      }
    });
    this.closed = new Promise((resolve) => this.#socket.once("close", () => resolve()));
  }

  send(...requests: readonly RequestValue[]): void {
    this.#socket.write(Buffer.concat(requests.map(frameOf)));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.destroy();
  }
}

describe("the ABCI server", () => {
  let folder: string;
  let server: AbciServer | undefined;
  let fatal: unknown[];
  let logged: LogFields[];
  const peers: Peer[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tfgrid-abci-"));
    fatal = [];
    logged = [];
  });
  afterEach(async () => {
    for (const peer of peers.splice(0)) peer.end();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function serve(begin: AbciHandler["begin"]): Promise<() => Peer> {
    const path = join(folder, "abci.sock");
    const logger: Logger = { ...silentLogger, error: (_, fields = {}) => void logged.push(fields) };
    const serving = (request: RequestValue): Step | Promise<Step> => (request.case === "flush" ? () => ({ case: "flush", value: create(abci.ResponseFlushSchema) }) : begin(request));
    server = await startAbciServer({ handler: { begin: serving }, listen: { kind: "unix", path }, logger, onFatal: (error) => void fatal.push(error) });
    return () => {
      const peer = new Peer(path);
      peers.push(peer);
      return peer;
    };
  }
  const messageOf = (request: RequestValue): string => (request.case === "echo" ? request.value.message : request.case);

  it("serves four connections at once, each in its own strict order, whatever is prepared first", async () => {
    const releases = new Map<string, () => void>();
    const carriedOut: string[] = [];
    const open = await serve((request) => {
      const message = messageOf(request);
      const step: Step = () => {
        carriedOut.push(message);
        return answerOf(message)();
      };
      if (!message.startsWith("slow")) return step;
      return new Promise((resolve) => releases.set(message, () => resolve(step)));
    });
    const all = [open(), open(), open(), open()];
    for (const [index, peer] of all.entries()) peer.send(echo(`slow ${index}a`), echo(`quick ${index}`), echo(`slow ${index}b`), flush);
    await expect.poll(() => releases.size).toBe(8);
    expect(server?.connections()).toBe(4);
    // The later one first: it has to wait all the same.
    for (const index of [3, 1]) releases.get(`slow ${index}b`)?.();
    for (const index of [3, 1]) releases.get(`slow ${index}a`)?.();
    await expect.poll(() => all[1]?.answers.length).toBe(4);
    expect(all[3]?.answers).toEqual(["slow 3a", "quick 3", "slow 3b", "flush"]);
    expect(all[0]?.answers).toEqual([]);
    expect(carriedOut).not.toContain("quick 0");
    for (const index of [0, 2]) for (const part of ["a", "b"]) releases.get(`slow ${index}${part}`)?.();
    await expect.poll(() => [all[0]?.answers.length, all[2]?.answers.length]).toEqual([4, 4]);
    expect(all[0]?.answers).toEqual(["slow 0a", "quick 0", "slow 0b", "flush"]);
    expect(fatal).toEqual([]);
  });

  it("listens on TCP too, and after a killed program left its socket file behind", async () => {
    const serving: AbciHandler = { begin: (request) => answerOf(messageOf(request)) };
    const port = await freePort();
    const common = { handler: serving, logger: silentLogger, onFatal: (error: unknown) => void fatal.push(error) };
    server = await startAbciServer({ ...common, listen: { kind: "tcp", host: "127.0.0.1", port } });
    const socket = connect(port, "127.0.0.1");
    const reader = new FrameReader(MAX);
    const frames: Uint8Array[] = [];
    socket.on("data", (chunk: Buffer) => frames.push(...reader.push(chunk)));
    // Large enough to be written before it is asked for.
    socket.write(frameOf(echo("x".repeat(300_000))));
    await expect.poll(() => frames.length).toBe(1);
    socket.destroy();
    const path = join(folder, "left.sock");
    writeFileSync(path, "");
    const again = await startAbciServer({ ...common, listen: { kind: "unix", path } });
    await again.stop();
    expect(fatal).toEqual([]);
  });

  it("holds answers back until cometbft asks for them", async () => {
    const begun: string[] = [];
    const open = await serve((request) => {
      begun.push(messageOf(request));
      return answerOf(messageOf(request));
    });
    const peer = open();
    peer.send(echo("one"), echo("two"));
    await expect.poll(() => begun.length).toBe(2);
    const other = open();
    other.send(echo("three"), flush);
    await expect.poll(() => other.answers).toEqual(["three", "flush"]);
    expect(peer.answers).toEqual([]);
    peer.send(flush);
    await expect.poll(() => peer.answers).toEqual(["one", "two", "flush"]);
  });

  it.each([
    ["a frame that is longer than any block", Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])],
    ["a frame that is no request", Buffer.concat([frameHead(4), Buffer.from([0xff, 0xff, 0xff, 0xff])])],
    ["a request that names no method", Buffer.concat([frameHead(2), Buffer.from([0x98, 0x01])])],
    ["what speaks another protocol", Buffer.from("GET / HTTP/1.1\r\nhost: ledger\r\n\r\n".repeat(100))],
  ])("closes the connection at %s, and goes on serving others", async (_, bytes) => {
    const open = await serve((request) => answerOf(messageOf(request)));
    const bad = open();
    bad.sendBytes(bytes);
    await bad.closed;
    expect(logged).toEqual([{ error: expect.objectContaining({ code: "cometbft.bad_frame" }) as unknown }]);
    const good = open();
    good.send(echo("still here"), flush);
    await expect.poll(() => good.answers).toEqual(["still here", "flush"]);
    expect(fatal).toEqual([]);
  });

  it.each(["begin", "prepare", "step"] as const)("never answers with an exception: when a handler fails at its %s, the program is told to end", async (where) => {
    const failure = new Error("a bug");
    const open = await serve(() => {
      if (where === "begin") throw failure;
      if (where === "prepare") return Promise.reject(failure);
      return () => {
        throw failure;
      };
    });
    const peer = open();
    peer.send(echo("x"), flush);
    await peer.closed;
    expect(fatal).toEqual([failure]);
    expect(peer.answers).toEqual([]);
  });
});
