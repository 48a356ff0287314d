/** How single servers of a chain fare, each by its own word. */
import type { EngineStatus } from "./engines/index.ts";
import { httpTransport } from "./client/transport.ts";

/** ms. Whoever asks how a server is wants to know soon that it does not answer. */
const TIMEOUT_MS = 3_000;

/** @throws GridError chain.unreachable and what else the server answers */
export function serverStatus(url: string, signal?: AbortSignal): Promise<EngineStatus> {
  return httpTransport(url).call("chain.status", {}, { timeoutMs: TIMEOUT_MS, signal });
}
