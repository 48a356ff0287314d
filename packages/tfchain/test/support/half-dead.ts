/** A server whose open event streams go on when it has stopped to answer anything else. */
import { type AddressInfo, type Socket, connect, createServer } from "node:net";

export interface HalfDead {
  readonly url: string;
  /** Event streams that were opened. */
  streams(): number;
  die(): void;
  stop(): Promise<void>;
}

export async function startHalfDead(honestUrl: string): Promise<HalfDead> {
  const { hostname, port } = new URL(honestUrl);
  const sockets = new Map<Socket, "stream" | "call">();
  let streams = 0;
  let dead = false;
  const server = createServer((socket) => {
    if (dead) {
      socket.destroy();
      return;
    }
    const upstream = connect(Number(port), hostname);
    sockets.set(socket, "call");
    for (const [one, other] of [[socket, upstream], [upstream, socket]] as const) {
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
    }
    socket.on("close", () => sockets.delete(socket));
    // A connection may have answered calls before it becomes a stream.
    socket.on("data", (chunk: Buffer) => {
      if (sockets.get(socket) === "stream" || !/^upgrade: websocket/im.test(chunk.toString("latin1"))) return;
      sockets.set(socket, "stream");
      streams += 1;
    });
    socket.pipe(upstream);
    upstream.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    streams: () => streams,
    die: () => {
      dead = true;
      for (const [socket, kind] of sockets) if (kind === "call") socket.destroy();
    },
    stop: async () => {
      for (const socket of sockets.keys()) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
