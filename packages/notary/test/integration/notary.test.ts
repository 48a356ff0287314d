import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesToHex, type CidText, cidOf, type Clock, encode, s, sha256, silentLogger, systemClock, systemEntropy } from "@tfgrid/primitives";
import { open } from "lmdb";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectNotary, documents, NOTARY_LIMITS, startNotary } from "../../src/index.ts";
import { AUTH_SCHEME, cidBytes, CONTENT_TYPE, credentials, documentPath, putBody, requestBytes } from "../../src/wire.ts";
import { notaryCompliance } from "../helpers/compliance.ts";
import { anInstruction } from "../helpers/documents.ts";
import { FakeChain, type Person } from "../helpers/fake-chain.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "tfgrid-notary-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

async function start(chain: FakeChain, options: { readonly dataDir?: string; readonly port?: number; readonly clock?: Clock } = {}) {
  const dataDir = options.dataDir ?? (await folder());
  return startNotary({ dataDir, host: "127.0.0.1", port: 0, chain: chain.reader(), logger: silentLogger, ...options });
}

notaryCompliance("over HTTP with LMDB", async (chain) => {
  const dataDir = await mkdtemp(join(tmpdir(), "tfgrid-notary-"));
  const notary = await start(chain, { dataDir });
  return {
    client: connectNotary({ urls: [notary.endpoints.url], chain: chain.reader() }),
    close: async () => {
      await notary.stop();
      await rm(dataDir, { recursive: true });
    },
  };
});

async function one() {
  const chain = new FakeChain();
  const [author, dataDir] = [chain.person(), await folder()];
  const notary = await start(chain, { dataDir });
  const { url } = notary.endpoints;
  return { chain, author, dataDir, notary, url, client: connectNotary({ urls: [url], chain: chain.reader() }) };
}

interface Raw {
  readonly url: string;
  readonly person: Person;
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly body?: Uint8Array;
  readonly origin?: string;
  readonly timeMs?: number;
}

/** A request as anyone could write it. */
function raw(options: Raw): { send(changes?: { readonly path?: string; readonly body?: Uint8Array }): Promise<{ status: number; code: string }> } {
  const { url, person, method, path, body = new Uint8Array(0), origin = url, timeMs = Date.now() } = options;
  const fields = { twinId: person.twinId, timeMs, nonce: bytesToHex(systemEntropy.randomBytes(16)), hint: {} };
  const signature = person.keyPair.sign("tfgrid/request/v1", requestBytes({ ...fields, origin, method, path, bodyHash: bytesToHex(sha256(body)) }));
  const authorization = AUTH_SCHEME + Buffer.from(encode(credentials, { ...fields, signature })).toString("base64url");
  return {
    send: async (changes = {}) => {
      const sent = changes.body ?? body;
      const response = await fetch(url + (changes.path ?? path), {
        method,
        headers: { authorization, ...(method === "PUT" ? { "content-type": CONTENT_TYPE } : {}) },
        body: method === "PUT" ? Buffer.from(sent) : null,
      });
      const text = response.ok ? "{}" : await response.text();
      return { status: response.status, code: (JSON.parse(text) as { code?: string }).code ?? "" };
    },
  };
}

function putOf(person: Person, bytes: Uint8Array): { path: string; body: Uint8Array } {
  const cid = cidOf(bytes);
  return { path: documentPath(cid), body: encode(putBody, { bytes, readers: [], signature: person.keyPair.sign("tfgrid/document/v1", cidBytes(cid)) }) };
}

const value = anInstruction({ solutionId: 1, nodeId: 1 });
const anything = <T>(): import("@tfgrid/primitives").Schema<T> => ({ ...s.bool, toCbor: (v: unknown) => v, fromCbor: (v: unknown) => v }) as never;

describe("signed requests", () => {
  it("are good once, for one notary, one path, one body and a short time", async () => {
    const { author, notary, url, client } = await one();
    onTestFinished(() => notary.stop());
    const cid = await client.put({ schema: documents.instruction, value, readers: [], ...author });
    const get = { url, person: author, method: "GET", path: documentPath(cid) } as const;
    const request = raw(get);
    expect(await request.send()).toEqual({ status: 200, code: "" });
    expect(await request.send()).toEqual({ status: 401, code: "notary.replayed" });
    expect(await raw({ ...get, origin: "http://another.notary" }).send()).toEqual({ status: 401, code: "notary.unauthorized" });
    expect(await raw({ ...get, path: "/documents/other" }).send({ path: get.path })).toEqual({ status: 401, code: "notary.unauthorized" });
    expect(await raw({ ...get, timeMs: Date.now() - NOTARY_LIMITS.clockSkewMs - 5_000 }).send()).toEqual({ status: 401, code: "notary.clock_skew" });
    expect(await raw({ ...get, timeMs: Date.now() + NOTARY_LIMITS.clockSkewMs + 5_000 }).send()).toEqual({ status: 401, code: "notary.clock_skew" });
    const put = putOf(author, encode(documents.instruction, anInstruction({ solutionId: 2, nodeId: 2 })));
    const other = putOf(author, encode(documents.instruction, anInstruction({ solutionId: 3, nodeId: 3 })));
    expect(await raw({ ...get, method: "PUT", ...put }).send({ body: other.body })).toEqual({ status: 401, code: "notary.unauthorized" });
    expect(await raw({ ...get, method: "PUT", ...put }).send()).toEqual({ status: 204, code: "" });
  });

  it("made before the notary's start are refused, for their nonces are forgotten", async () => {
    const { author, notary, url } = await one();
    onTestFinished(() => notary.stop());
    const early = raw({ url, person: author, method: "GET", path: "/documents/x", timeMs: Date.now() - 20_000 });
    expect(await early.send()).toEqual({ status: 401, code: "notary.clock_skew" });
  });

  it("are made with the notary's time when our clock is wrong", async () => {
    const { chain, author, notary, url } = await one();
    onTestFinished(() => notary.stop());
    const clock: Clock = { ...systemClock, nowMs: () => Date.now() - 3_600_000 };
    const client = connectNotary({ urls: [url], chain: chain.reader(), clock });
    const cid = await client.put({ schema: documents.instruction, value, readers: [], ...author });
    expect((await client.get({ cid, ...author })).cid).toBe(cid);
  });
});

describe("hostile input", () => {
  it("gets a coded refusal and leaves nothing behind", async () => {
    const { author, notary, url } = await one();
    onTestFinished(() => notary.stop());
    const send = (bytes: Uint8Array, change: { readonly path?: string; readonly body?: Uint8Array } = {}) =>
      raw({ url, person: author, method: "PUT", ...putOf(author, bytes), ...change }).send();
    const good = encode(documents.instruction, value);
    expect(await send(Uint8Array.of(...good, 0))).toEqual({ status: 400, code: "notary.not_canonical" });
    expect(await send(new Uint8Array(0))).toEqual({ status: 400, code: "notary.not_canonical" });
    expect(await send(encode(anything(), { kind: "poem/v1" }))).toEqual({ status: 400, code: "notary.not_canonical" });
    expect(await send(new Uint8Array(200_000).fill(0x81))).toEqual({ status: 400, code: "notary.not_canonical" });
    expect(await send(new Uint8Array(NOTARY_LIMITS.documentBytes + 1))).toEqual({ status: 413, code: "notary.too_large" });
    expect(await send(new Uint8Array(NOTARY_LIMITS.bodyBytes + 1))).toEqual({ status: 413, code: "notary.too_large" });
    expect(await send(good, { path: documentPath(cidOf(new Uint8Array(1))) })).toMatchObject({ code: "notary.bad_signature" });
    expect(await send(good, { path: "/documents/nonsense" })).toEqual({ status: 400, code: "codec.invalid_value" });
    expect(await send(good, { body: new Uint8Array([1, 2, 3]) })).toEqual({ status: 400, code: "codec.not_canonical" });
    for (const authorization of ["", "TFGrid", "TFGrid ????", `TFGrid ${"A".repeat(5_000)}`]) {
      const response = await fetch(`${url}/documents/${cidOf(good)}`, { headers: { authorization } });
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([401, "notary.unauthorized"]);
    }
    const health = (await (await fetch(`${url}/health`)).json()) as { documents: number };
    expect(health.documents).toBe(0);
  });

  it("that never ends is cut off by the notary while others are served", async () => {
    const { author, notary, url, client } = await one();
    onTestFinished(() => notary.stop());
    const { hostname, port } = new URL(url);
    const socket = connectSocket(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.write(`PUT /documents/x HTTP/1.1\r\nHost: x\r\nContent-Type: ${CONTENT_TYPE}\r\nContent-Length: 1000\r\n\r\n`);
    const cid = await client.put({ schema: documents.instruction, value, readers: [], ...author });
    expect((await client.get({ cid, ...author })).cid).toBe(cid);
  });
});

describe("bytes that are no request", () => {
  it.each([
    ["no HTTP", "\u0000\u0001garbage\r\n\r\n", 400],
    ["a bad escape", "GET /documents/% HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 400],
    ["an endless part", `GET /documents/${"a".repeat(300)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`, 400],
    ["a length below zero", `PUT /documents/x HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n`, 400],
    ["long headers", `GET /health HTTP/1.1\r\nhost: x\r\n${"x-a: 1\r\n".repeat(2_500)}\r\n`, 400],
  ])("(%s) get a coded refusal", async (_what, bytes, status) => {
    const { notary, url } = await one();
    onTestFinished(() => notary.stop());
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connectSocket(Number(new URL(url).port), "127.0.0.1", () => socket.write(bytes));
      let text = "";
      socket.on("data", (chunk) => (text += chunk.toString("latin1"))).on("error", reject).on("close", () => resolve(text));
    });
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    const { code } = JSON.parse(body) as { readonly code: string };
    expect([Number(head.split(" ")[1]), code]).toEqual([status, "notary.bad_request"]);
  });
});

describe("a chain's server", () => {
  it("that lies moves no right: keys and contracts are proven", async () => {
    const { chain, author, notary, client } = await one();
    onTestFinished(() => notary.stop());
    const nodeTwin = chain.person();
    const nodeId = chain.node(nodeTwin.twinId);
    const cid = await client.put({ schema: documents.instruction, value: anInstruction({ solutionId: 1, nodeId }), readers: [], ...author });
    const { id: contractId } = chain.contract({ nodeId, instruction: cid });
    // The client's own check of signatures reads twins without proof here.
    const twins = chain.reader();
    const reader = connectNotary({ urls: [notary.endpoints.url], chain: { twin: (id) => twins.proven.twin(id) } });
    chain.liar = true;
    expect((await reader.get({ cid, contractId, ...nodeTwin })).cid).toBe(cid);
  });

  it("that is ahead of its newest proof is waited for before anybody is refused", async () => {
    const { chain, author, notary, client } = await one();
    onTestFinished(() => notary.stop());
    chain.behind = 1;
    const cid = await client.put({ schema: documents.instruction, value, readers: [], ...author });
    const nodeTwin = chain.person();
    const nodeId = chain.node(nodeTwin.twinId);
    const { id: contractId } = chain.contract({ nodeId, instruction: cid });
    chain.behind = 1;
    expect((await client.get({ cid, contractId, ...nodeTwin })).cid).toBe(cid);
    await expect(client.get({ cid, contractId, ...chain.person() })).rejects.toMatchObject({ code: "notary.forbidden" });
  });
});

describe("documents on disk", () => {
  it("that were altered are found by the notary, and healed by storing them again", async () => {
    const { chain, author, dataDir, notary, client } = await one();
    const cid = await client.put({ schema: documents.instruction, value, readers: [], ...author });
    await notary.stop();
    const root = open({ path: join(dataDir, "documents"), maxDbs: 8 });
    const contents = root.openDB<Buffer, CidText>({ name: "contents", encoding: "binary" });
    const altered = Buffer.from(contents.get(cid) as Buffer);
    altered[5] = (altered[5] ?? 0) ^ 1;
    await contents.put(cid, altered);
    await root.close();
    const again = await start(chain, { dataDir });
    onTestFinished(() => again.stop());
    const client2 = connectNotary({ urls: [again.endpoints.url], chain: chain.reader() });
    await expect(client2.get({ cid, ...author })).rejects.toMatchObject({ code: "notary.altered" });
    await client2.put({ schema: documents.instruction, value, readers: [], ...author });
    expect((await client2.get({ cid, ...author })).cid).toBe(cid);
  });

  it("survive kill -9 right after they were acknowledged", async () => {
    const chain = new FakeChain();
    const [author, dataDir] = [chain.person(), await folder()];
    const helper = new URL("../helpers/server.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [helper, dataDir, "0", JSON.stringify([...chain.twins.values()])], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const line = await new Promise<string>((resolve) => child.stdout.once("data", (data: Buffer) => resolve(data.toString())));
    const client = connectNotary({ urls: [(JSON.parse(line) as { url: string }).url], chain: chain.reader() });
    const cids: CidText[] = [];
    for (let nodeId = 1; nodeId <= 20; nodeId += 1) {
      cids.push(await client.put({ schema: documents.instruction, value: anInstruction({ solutionId: 1, nodeId }), readers: [], ...author }));
    }
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    const notary = await start(chain, { dataDir });
    onTestFinished(() => notary.stop());
    const reader = connectNotary({ urls: [notary.endpoints.url], chain: chain.reader() });
    for (const cid of cids) expect((await reader.get({ cid, ...author })).cid).toBe(cid);
  });
});

describe("the client", () => {
  it("believes no notary: altered bytes and false signatures are found", async () => {
    const { chain, author, notary, client } = await one();
    onTestFinished(() => notary.stop());
    const cid = await client.put({ schema: documents.instruction, value, readers: [], ...author });
    const twin = chain.twins.get(author.twinId);
    const other = chain.person();
    const lying = { twin: async () => ({ ...(twin as NonNullable<typeof twin>), account: other.keyPair.account }) };
    const doubting = connectNotary({ urls: [notary.endpoints.url], chain: lying });
    await expect(doubting.get({ cid, ...author })).rejects.toMatchObject({ code: "notary.altered" });
  });

  it("goes on with the notary that answers, and says when none does", async () => {
    const { chain, author, notary, url } = await one();
    const dead = "http://127.0.0.1:1";
    const client = connectNotary({ urls: [dead, url], chain: chain.reader() });
    const cid = await client.put({ schema: documents.instruction, value, readers: [], ...author });
    expect((await client.get({ cid, ...author })).cid).toBe(cid);
    await notary.stop();
    await expect(client.get({ cid, ...author })).rejects.toMatchObject({ code: "notary.unreachable" });
  });

  it("is told when the notary cannot read the chain", async () => {
    const { chain, author, notary, url } = await one();
    onTestFinished(() => notary.stop());
    const client = connectNotary({ urls: [url], chain: chain.reader() });
    chain.down = true;
    await expect(client.put({ schema: documents.instruction, value, readers: [], ...author })).rejects.toMatchObject({ code: "notary.chain_unavailable" });
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ healthy: false });
  });

  it("and anyone else can ask when a document was anchored, without its content", async () => {
    const { chain, author, notary, url, client } = await one();
    onTestFinished(() => notary.stop());
    const cid = await client.put({ schema: documents.instruction, value, readers: [], ...author });
    const proof = async () => (await (await fetch(`${url}/documents/${cid}/proof`)).json()) as unknown;
    expect(await proof()).toEqual({ cid, anchor: null });
    chain.anchors.set(cid, { document: cid, author: author.twinId, height: 7, timeMs: 9, contractId: null, solutionId: null } as never);
    expect(await proof()).toEqual({ cid, anchor: { document: cid, author: author.twinId, height: 7, timeMs: 9, contractId: null, solutionId: null } });
  });
});
