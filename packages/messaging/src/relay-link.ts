/**
 * Keeps a place on one relay: dials it, reserves, and when the connection goes, begins again with growing pauses. It
 * watches the state, not only events, so that a missed event costs seconds and not the connection.
 */
import type { Clock, Logger } from "@tfgrid/primitives";
import type { RelayAddress } from "./address.ts";
import type { Host } from "./host.ts";
import { MESSAGING_LIMITS as L } from "./limits.ts";

export interface RelayLink {
  readonly relay: RelayAddress;
  connected(): boolean;
  /** Ends when the signal is aborted. */
  readonly done: Promise<void>;
}

export interface RelayLinkOptions {
  readonly host: Host;
  readonly relay: RelayAddress;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onConnected: () => void;
}

/** A lost connection tells of itself; this is for events that never came, and a process that idles should be left to. */
const CHECK_MS = 5_000;

export function keepRelay(options: RelayLinkOptions): RelayLink {
  const { host, relay } = options;
  const connected = (): boolean => host.hasPlace(relay.peer) && host.node.getConnections(relay.peer).length > 0;
  return { relay, connected, done: run(options, connected) };
}

async function run(options: RelayLinkOptions, connected: () => boolean): Promise<void> {
  const { relay, logger, signal, clock } = options;
  let pauseMs: number = L.reconnectMinMs;
  while (!signal.aborted) {
    try {
      await reserve(options);
      pauseMs = L.reconnectMinMs;
      logger.info("relay connected", { relay: relay.text });
      options.onConnected();
      await untilLost(options, connected);
      if (!signal.aborted) logger.warn("relay lost", { relay: relay.text });
    } catch (error) {
      if (signal.aborted) return;
      logger.debug("relay cannot be reached yet", { relay: relay.text, pauseMs, error });
      // Half fixed, half random: messengers of a restarted relay must not come back all at once.
      await pause(clock, pauseMs / 2 + (pauseMs / 2) * Math.random(), signal);
      pauseMs = Math.min(L.reconnectMaxMs, pauseMs * 2);
    }
  }
}

async function reserve(options: RelayLinkOptions): Promise<void> {
  const { host, relay, signal } = options;
  await host.node.dial(relay.address, { signal: AbortSignal.any([signal, AbortSignal.timeout(L.addressDialMs)]) });
  await host.reserve(relay.peer, AbortSignal.any([signal, AbortSignal.timeout(L.reserveMs)]));
}

async function untilLost(options: RelayLinkOptions, connected: () => boolean): Promise<void> {
  const { host, clock, signal } = options;
  while (!signal.aborted && connected()) {
    const stop = new AbortController();
    const wake = (): void => stop.abort();
    host.node.addEventListener("connection:close", wake, { once: true });
    try {
      await pause(clock, CHECK_MS, AbortSignal.any([stop.signal, signal]));
    } finally {
      host.node.removeEventListener("connection:close", wake);
    }
  }
}

/** A sleep that an abort ends early without an error: the loop looks at the state anyway. */
async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(delayMs, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
