/** "I am here", in this node's own slot of the interval, so that ten thousand nodes do not speak at once. */
import { type Clock, type Entropy, type KeyPair, type Logger, type NodeId, sha256, utf8 } from "@tfgrid/primitives";
import type { AgentChain } from "../agent/ports.ts";
import { backoffMs } from "../provisioning/fault.ts";

/** Spread by a hash: ids given in a row must not mean slots in a row. */
export function heartbeatPhaseMs(nodeId: NodeId, intervalMs: number): number {
  const digest = sha256(utf8(`tfgrid/heartbeat/${nodeId}`));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0) % intervalMs;
}

/** The first slot after `nowMs`. */
export function nextSlotMs(nowMs: number, phaseMs: number, intervalMs: number): number {
  return Math.floor((nowMs - phaseMs) / intervalMs + 1) * intervalMs + phaseMs;
}

export interface HeartbeatOptions {
  readonly chain: Pick<AgentChain, "submit">;
  readonly signer: KeyPair;
  readonly nodeId: NodeId;
  readonly bootMs: number;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly intervalMs: number;
  /** While the node sleeps it says nothing. */
  readonly isSilent?: () => boolean;
}

/** A loop of its own: nothing that provisioning does can delay it. One heartbeat at once, then one per slot. */
export async function runHeartbeat(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { chain, signer, nodeId, clock, entropy, logger, intervalMs } = options;
  const phaseMs = heartbeatPhaseMs(nodeId, intervalMs);
  let failures = 0;
  while (!signal.aborted) {
    const uptimeSec = Math.max(0, Math.floor((clock.nowMs() - options.bootMs) / 1000));
    let wakeMs: number;
    if (options.isSilent?.() === true) {
      await clock.sleep(Math.max(1, nextSlotMs(clock.nowMs(), phaseMs, intervalMs) - clock.nowMs()), signal).catch(() => undefined);
      continue;
    }
    try {
      await chain.submit(signer, [{ type: "nodes.heartbeat", nodeId, uptimeSec }], { signal });
      failures = 0;
      wakeMs = nextSlotMs(clock.nowMs(), phaseMs, intervalMs);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      logger.warn("heartbeat failed", { failures, error });
      // Sooner than the next slot: `up` is lost after two intervals.
      wakeMs = clock.nowMs() + Math.min(backoffMs(failures, entropy), intervalMs);
    }
    await clock.sleep(Math.max(1, wakeMs - clock.nowMs()), signal).catch(() => undefined);
  }
}
