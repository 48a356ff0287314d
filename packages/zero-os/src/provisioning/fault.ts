/** From anything thrown to what a report says and when it is tried again. */
import { type Entropy, GridError, messageOf } from "@tfgrid/primitives";
import { NODE_LIMITS } from "../limits.ts";
import type { Failure, Fault } from "./model.ts";

const CODE = /^[a-z0-9_]+(\.[a-z0-9_]+)*$/;

export function faultFrom(error: unknown): Fault {
  const known = error instanceof GridError && CODE.test(error.code) && error.code.length <= 64;
  const code = known ? error.code : "node.passthrough_failed";
  return { code, message: messageOf(error).slice(0, 500) };
}

/** Doubling with up to a quarter of jitter either way, so that many nodes do not ask a broken service in step. */
export function backoffMs(count: number, entropy: Entropy): number {
  const delay = Math.min(NODE_LIMITS.retryBaseMs * 2 ** Math.min(count - 1, 20), NODE_LIMITS.retryCapMs);
  const [byte = 0] = entropy.randomBytes(1);
  return Math.round(delay * (0.75 + byte / 510));
}

export function nextFailure(options: {
  readonly error: unknown;
  readonly before: Failure | undefined;
  readonly nowMs: number;
  readonly entropy: Entropy;
}): Failure {
  const count = (options.before?.count ?? 0) + 1;
  return { ...faultFrom(options.error), count, retryAtMs: options.nowMs + backoffMs(count, options.entropy) };
}
