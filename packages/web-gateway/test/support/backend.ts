/** A small service: says who it is and what it was sent; echoes after an upgrade. */
import { createHash, randomInt } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Backend {
  readonly name: string;
  readonly port: number;
  requests(): number;
  close(): Promise<void>;
}

export async function startBackend(name: string, options: { readonly port?: number; readonly delayMs?: number } = {}): Promise<Backend> {
  let requests = 0;
  const server: Server = createServer((request, response) => {
    requests += 1;
    const answer = (): void => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ name, headers: request.headers }));
    };
    if (options.delayMs === undefined) answer();
    else setTimeout(answer, options.delayMs);
  });
  server.keepAliveTimeout = 60_000;
  server.on("upgrade", (request, socket) => {
    // RFC 6455 section 1.3.
    const key = `${request.headers["sec-websocket-key"] ?? ""}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  return {
    name,
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Below the ports that the kernel gives to outgoing connections, one of which could take it again at once. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 30_000);
    const server = await startBackend("port", { port }).catch(() => undefined);
    if (server === undefined) continue;
    await server.close();
    return port;
  }
}
