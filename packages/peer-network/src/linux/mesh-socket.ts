/**
 * The probe socket: it lives in the mesh namespace while the agent lives in the core, which has no socket of its own.
 * A short-lived child opens it there and hands it to us over its IPC channel (SCM_RIGHTS).
 */
import { spawn } from "node:child_process";
import { Socket } from "node:dgram";
import { fileURLToPath } from "node:url";
import { fail } from "../errors.ts";
import { NETWORK_LIMITS as L } from "../limits.ts";
import type { ProbeSocket } from "../prober/prober.ts";
import { machineNames } from "./names.ts";
import { inNetns } from "./run.ts";

export interface MeshSocketOptions {
  readonly machineNetns: string;
  /** meshPorts(range).probe */
  readonly port: number;
  readonly signal?: AbortSignal;
}

/** ensureNode must have been called. @throws GridError network.mesh_socket_failed */
export async function openMeshSocket(options: MeshSocketOptions): Promise<ProbeSocket> {
  const socket = await receiveSocket(options);
  socket.on("error", () => undefined);
  return {
    // A full buffer or a missing route is a lost probe, which is what probes are there to notice.
    send: (packet, to) => socket.send(packet, to.port, to.address, () => undefined),
    onMessage: (listener) => socket.on("message", (packet, from) => listener(packet, { address: from.address, port: from.port })),
    close: () => socket.close(),
  };
}

function receiveSocket({ machineNetns, port, signal }: MeshSocketOptions): Promise<Socket> {
  const child = fileURLToPath(new URL("./mesh-socket-child.ts", import.meta.url));
  const [command, args] = inNetns(machineNames(machineNetns).mesh, process.execPath, [child, String(port)]);
  return new Promise((resolve, reject) => {
    const process_ = spawn(command, args, {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      timeout: L.commandTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    const errors: Buffer[] = [];
    process_.stderr?.on("data", (chunk: Buffer) => errors.push(chunk));
    const failed = (message: string, cause?: unknown): void => reject(fail("network.mesh_socket_failed", { details: { message }, cause }));
    process_.on("error", (error) => failed(error.message, error));
    process_.on("message", (message: { readonly error?: string }, handle) => {
      if (handle instanceof Socket) resolve(handle);
      else failed(message.error ?? "no socket came");
    });
    process_.on("close", () => failed(Buffer.concat(errors).toString("utf8").slice(0, L.errorTextLength)));
  });
}
