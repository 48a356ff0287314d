/** A server between a client and an honest one: passes everything on, and changes what a test wants changed. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { isGridError } from "@tfgrid/primitives";

export type Json = Readonly<Record<string, unknown>>;
/** What is answered instead, also an error; `ask` gives the honest server's answer to anything. */
export type Lie = (call: { readonly method: string; readonly params: Json; readonly result: Json; readonly ask: Ask }) => Json | Promise<Json>;
export type Ask = (method: string, params?: Json) => Promise<Json>;

export interface Liar {
  readonly url: string;
  /** Methods that were called, in order. */
  readonly calls: readonly string[];
  lie: Lie;
  stop(): Promise<void>;
}

async function post(url: string, body: string): Promise<Json> {
  return (await (await fetch(url, { method: "POST", body })).json()) as Json;
}

export async function startLiar(honestUrl: string, lie: Lie = ({ result }) => result): Promise<Liar> {
  const calls: string[] = [];
  const ask: Ask = async (method, params = {}) => (await post(honestUrl, JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })))["result"] as Json;
  const answer = async (body: string): Promise<Json> => {
    const { method, params } = JSON.parse(body) as { method: string; params: Json };
    calls.push(method);
    const honest = await post(honestUrl, body);
    if (honest["result"] === undefined) return honest;
    try {
      return { ...honest, result: await liar.lie({ method, params, result: honest["result"] as Json, ask }) };
    } catch (error) {
      if (!isGridError(error)) throw error;
      return { jsonrpc: "2.0", id: honest["id"], error: { code: -32_000, message: error.message, data: error.toWire() } };
    }
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      answer(Buffer.concat(chunks).toString()).then(
        (value) => response.end(JSON.stringify(value)),
        (error: unknown) => response.destroy(error as Error),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const liar: Liar = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    lie,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return liar;
}
