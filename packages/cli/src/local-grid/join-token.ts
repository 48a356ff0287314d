/** The farmer's word that a machine may join the farm. */
import { type FarmId, type KeyPair, encode } from "@tfgrid/primitives";
import { type JoinToken, chain } from "@tfgrid/tfchain";

/** Long enough to boot a rack by hand, short enough that a lost token is worth little. */
export const JOIN_TOKEN_LIFE_MS = 24 * 3_600_000;

export function signJoinToken(options: { readonly farmer: KeyPair; readonly farmId: FarmId; readonly chainId: string; readonly nowMs: number; readonly lifeMs?: number }): JoinToken {
  const body = { chainId: options.chainId, farmId: options.farmId, expiresAtMs: options.nowMs + (options.lifeMs ?? JOIN_TOKEN_LIFE_MS) };
  return { ...body, signature: options.farmer.sign("tfgrid/join-token/v1", encode(chain.joinTokenBody, body)) };
}
