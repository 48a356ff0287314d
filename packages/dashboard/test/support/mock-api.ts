/** The built page with recorded answers of a real explorer: what the page shows is known exactly. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import recorded from "./recorded.json" with { type: "json" };

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

export interface MockApi {
  readonly url: string;
  /** Paths below /api that answer with this error instead, until removed. */
  readonly failing: Map<string, { readonly status: number; readonly body: unknown }>;
  /** Changes what is answered from now on. */
  readonly answers: Map<string, unknown>;
  /** Sends one event to every open page. */
  emit(row: { readonly seq: number; readonly type: string } & Readonly<Record<string, unknown>>): void;
  stop(): Promise<void>;
}

export async function startMockApi(folder: string): Promise<MockApi> {
  const answers = new Map<string, unknown>(Object.entries(recorded));
  const failing: MockApi["failing"] = new Map();
  const streams = new Set<ServerResponse>();
  const send = (response: ServerResponse, status: number, body: unknown): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  const api = (request: IncomingMessage, response: ServerResponse, url: URL): void => {
    const path = url.pathname.slice("/api".length);
    if (path === "/events" && (request.headers.accept ?? "").includes("text/event-stream")) {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("retry: 100\n\n");
      streams.add(response);
      response.on("close", () => streams.delete(response));
      return;
    }
    const wrong = failing.get(path);
    if (wrong !== undefined) return send(response, wrong.status, wrong.body);
    const byNode = url.searchParams.get("node_id");
    const found = answers.get(byNode === null ? path : `${path}?node_id=${byNode}`);
    if (found === undefined) return send(response, 404, { code: "explorer.not_found", message: "nothing here", cure: "Check the id." });
    return send(response, 200, found);
  };
  const page = async (response: ServerResponse, path: string): Promise<void> => {
    const name = extname(path) === "" ? "/index.html" : path;
    try {
      const bytes = await readFile(join(folder, name));
      response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream" }).end(bytes);
    } catch (error) {
      send(response, 404, { message: String(error) });
    }
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://page");
    if (url.pathname.startsWith("/api/")) api(request, response, url);
    else void page(response, url.pathname);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    failing,
    answers,
    emit: (row) => {
      for (const stream of streams) stream.write(`id: ${row.seq}\nevent: ${row.type}\ndata: ${JSON.stringify(row)}\n\n`);
    },
    stop: () =>
      new Promise((resolve) => {
        for (const stream of streams) stream.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
