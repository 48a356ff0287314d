import { type Clock, type Entropy, type Logger, hasCode } from "@tfgrid/primitives";
import { CLIENT_LIMITS } from "../limits.ts";

export interface Environment {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
}

/** Full jitter: clients that lost the same server do not come back at the same moment. */
export function backoffMs(attempt: number, entropy: Entropy): number {
  const ceiling = Math.min(CLIENT_LIMITS.backoffMs * 2 ** attempt, CLIENT_LIMITS.maxBackoffMs);
  const [byte = 0] = entropy.randomBytes(1);
  return ceiling / 2 + (ceiling / 2) * (byte / 255);
}

/** What may pass by itself. Everything else is an answer. */
const PASSING = [
  "chain.unreachable",
  "chain.stopped",
  "chain.behind",
  "chain.catching_up",
  "chain.no_quorum",
  "chain.not_yet_included",
  "cometbft.not_answering",
  "light.no_witness",
  "mempool.full",
  "rpc.too_many_requests",
  "rpc.too_many_connections",
] as const;
export const isPassing = (error: unknown): boolean => PASSING.some((code) => hasCode(error, code));

/** For calls that are safe to repeat. */
export async function withRetries<T>(
  run: () => Promise<T>,
  options: { readonly env: Environment; readonly attempts: number; readonly signal?: AbortSignal | undefined },
): Promise<T> {
  const { env, attempts, signal } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (!isPassing(error) || attempt + 1 >= attempts) throw error;
      env.logger.debug("the ledger did not answer; trying again", { attempt, error });
      await env.clock.sleep(backoffMs(attempt, env.entropy), signal);
    }
  }
}
