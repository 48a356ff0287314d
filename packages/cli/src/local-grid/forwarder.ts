/**
 * A person's browser on this machine reaches the gateway node by loopback: `http://NAME.grid.localhost:8080`. This is
 * the cable between the two, not part of the grid: bytes in, bytes out.
 */
import { type Server, type Socket, connect, createServer } from "node:net";
import type { GridError } from "@tfgrid/primitives";
import { cliErrors } from "../errors.ts";

/** Connections at once: a person with a browser, with room for a load test. */
const MAX_CONNECTIONS = 512;
/** Several grids may run on one machine, each with ports of its own. */
const PORTS_TRIED = 100;

export interface Forwarder {
  readonly port: number;
  stop(): Promise<void>;
}

export interface ForwarderOptions {
  readonly port: number;
  readonly to: { readonly host: string; readonly port: number };
}

/** Tries the wanted port and those after it. @throws GridError cli.port_taken */
export async function startForwarder(options: ForwarderOptions): Promise<Forwarder> {
  for (let port = options.port; port < options.port + PORTS_TRIED; port += 1) {
    const server = createServer({ pauseOnConnect: true });
    server.maxConnections = MAX_CONNECTIONS;
    if (await listens(server, port)) return serve(server, port, options.to);
  }
  throw portTaken(options.port);
}

/** A port of loopback that is free now, the wanted one if possible. @throws GridError cli.port_taken */
export async function freePort(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + PORTS_TRIED; port += 1) {
    const server = createServer();
    if (!(await listens(server, port))) continue;
    await new Promise<void>((resolve) => server.close(() => resolve()));
    return port;
  }
  throw portTaken(wanted);
}

function portTaken(wanted: number): GridError {
  return cliErrors.fail("cli.port_taken", { message: `Ports ${wanted} to ${wanted + PORTS_TRIED - 1} of this machine are all in use.`, details: { port: wanted } });
}

async function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(false) : reject(error)));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
}

function serve(server: Server, port: number, to: ForwarderOptions["to"]): Forwarder {
  const open = new Set<Socket>();
  server.on("connection", (client) => {
    const upstream = connect(to);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("close", () => open.delete(socket));
    }
    // Either end failing ends both; the browser shows that and tries again.
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  return {
    port,
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
