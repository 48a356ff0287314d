/** Tries until it works or the signal ends it; every failure is shown, none is final. */
import type { Clock, Entropy, Logger } from "@tfgrid/primitives";
import { backoffMs } from "../provisioning/fault.ts";

export async function retryUntilDone<T>(
  work: () => Promise<T>,
  options: { readonly what: string; readonly clock: Clock; readonly entropy: Entropy; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<T> {
  const { what, clock, entropy, logger, signal } = options;
  for (let count = 1; ; count += 1) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw error;
      const delayMs = backoffMs(count, entropy);
      logger.warn(`${what} failed, trying again`, { attempt: count, retryInMs: delayMs, error });
      await clock.sleep(delayMs, signal);
    }
  }
}
