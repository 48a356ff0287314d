/** Reads that need not trust the server: value, Merkle proof and signed header are checked here. */
import { type Clock, type Schema, decode, hexToBytes } from "@tfgrid/primitives";
import { CLIENT_LIMITS } from "../limits.ts";
import { type ChainTrust, chainErrors, factsOf, verifyHeader, verifyProvenValue } from "../light/index.ts";
import { stateKeys } from "../runtime/state-keys.ts";
import { type ChainClient, contract, node, solution, twin } from "../types/index.ts";
import type { Transport } from "./transport.ts";

/** Largest state value that is accepted in an answer. */
const MAX_VALUE_BYTES = 4 * 1024 * 1024;

export function provenReader(options: {
  readonly read: Transport["call"];
  readonly clock: Clock;
  readonly trust: ChainTrust;
}): ChainClient["proven"] {
  const { read, clock, trust } = options;
  let seen = { height: 0, hash: "" };
  const get = async <T>(key: string, schema: Schema<T>): Promise<T | undefined> => {
    const answer = await read("state.get", { key });
    const value = answer.value === null ? undefined : hexToBytes(answer.value);
    const nowMs = clock.nowMs();
    verifyHeader(answer.signedHeader, trust, { nowMs });
    verifyProvenValue({ key, value, answer });
    const { height, hash, timeMs } = factsOf(answer.signedHeader);
    const ageMs = nowMs - timeMs;
    // A header from the future is as wrong as an old one: it would stay "fresh" for too long.
    if (Math.abs(ageMs) > CLIENT_LIMITS.maxHeaderAgeMs) {
      throw chainErrors.fail("light.stale_header", { details: { height, ageMs, maxAgeMs: CLIENT_LIMITS.maxHeaderAgeMs } });
    }
    if (height === seen.height && seen.hash !== "" && hash !== seen.hash) {
      throw chainErrors.fail("light.bad_header_signature", { message: `The authority signed two blocks of height ${height}.`, details: { height } });
    }
    if (height >= seen.height) seen = { height, hash };
    return value === undefined ? undefined : decode(schema, value, { maxBytes: MAX_VALUE_BYTES });
  };
  return {
    contract: (id) => get(stateKeys.contract(id), contract),
    solution: (id) => get(stateKeys.solution(id), solution),
    node: (id) => get(stateKeys.node(id), node),
    twin: (id) => get(stateKeys.twin(id), twin),
  };
}
