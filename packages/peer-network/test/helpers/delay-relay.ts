/** A slow road: a UDP relay that holds each packet for a while. Started inside a namespace: `node delay-relay.ts '{"roads":[...]}'`. */
import { createSocket, type Socket } from "node:dgram";

export interface Road {
  /** Where packets come in. */
  readonly address: string;
  readonly port: number;
  /** Where they go. */
  readonly to: string;
  readonly delayMs: number;
}

function serve(road: Road): void {
  const inside = createSocket("udp4");
  const clients = new Map<string, Socket>();
  inside.on("message", (packet, client) => {
    const id = `${client.address}:${client.port}`;
    let outside = clients.get(id);
    if (outside === undefined) {
      outside = createSocket("udp4");
      outside.bind(0, road.address);
      outside.on("message", (answer) => setTimeout(() => inside.send(answer, client.port, client.address), road.delayMs));
      clients.set(id, outside);
    }
    const way = outside;
    setTimeout(() => way.send(packet, road.port, road.to), road.delayMs);
  });
  inside.bind(road.port, road.address);
}

for (const road of (JSON.parse(process.argv[2] ?? '{"roads":[]}') as { roads: Road[] }).roads) serve(road);
process.stdout.write("ready\n");
