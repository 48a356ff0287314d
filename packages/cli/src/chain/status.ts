/** How the servers of a chain fare, as values and as a table. */
import { messageOf, systemClock } from "@tfgrid/primitives";
import { type EngineStatus, serverStatus } from "@tfgrid/tfchain";
import { table } from "../output/terminal.ts";

export type ServerState = { readonly url: string } & ({ readonly ok: true; readonly status: EngineStatus } | { readonly ok: false; readonly message: string });

export function serverStates(urls: readonly string[], signal: AbortSignal): Promise<readonly ServerState[]> {
  return Promise.all(
    urls.map(async (url): Promise<ServerState> => {
      try {
        return { url, ok: true, status: await serverStatus(url, signal) };
      } catch (error) {
        signal.throwIfAborted();
        return { url, ok: false, message: messageOf(error) };
      }
    }),
  );
}

export function stateInWords(state: ServerState, nowMs: number): string {
  if (!state.ok) return state.message;
  const { catchingUp, stalledSinceMs } = state.status;
  if (stalledSinceMs !== null) return `STANDS STILL for ${Math.round((nowMs - stalledSinceMs) / 1_000)} s: too few validators reach each other`;
  return catchingUp ? "catching up" : "makes blocks";
}

export function serverTable(states: readonly ServerState[]): string {
  const nowMs = systemClock.nowMs();
  return table(
    ["SERVER", "ENGINE", "HEIGHT", "PEERS", "VALIDATORS", "STATE"],
    states.map((state) => {
      if (!state.ok) return [state.url, "", "", "", "", stateInWords(state, nowMs)];
      const { engine, height, peers, validators } = state.status;
      return [state.url, engine, String(height), String(peers), String(validators), stateInWords(state, nowMs)];
    }),
  );
}
