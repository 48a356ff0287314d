/** Started inside the mesh namespace by openMeshSocket: opens the socket there, hands it over, ends. */
import { createSocket } from "node:dgram";

const socket = createSocket("udp4");
socket.on("error", (error) => process.send?.({ error: error.message }, () => process.exit(1)));
socket.bind({ port: Number(process.argv[2]), exclusive: true }, () => {
  // The kernel keeps a socket's namespace for life, wherever the process that holds it runs.
  process.send?.({ ready: true }, socket as never, {}, () => process.exit(0));
});
