/** A node joins a farm only with the farmer's word. */
import { encode } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type JoinToken, joinTokenBody } from "../../types/calls.ts";
import type { Farm } from "../../types/entities.ts";
import type { BlockContext, StateReader } from "../api.ts";
import type { Verify } from "../context.ts";
import { requireFarm } from "../farms/store.ts";
import { requireTwin } from "../twins/store.ts";

export interface JoinCheck {
  readonly state: StateReader;
  readonly block: BlockContext;
  readonly verify: Verify;
}

/** @throws GridError nodes.join_token_invalid, nodes.join_token_expired, farms.not_found */
export function checkJoinToken({ state, block, verify }: JoinCheck, token: JoinToken): Farm {
  const { signature, chainId, farmId, expiresAtMs } = token;
  const details = { farmId, chainId, expiresAtMs };
  if (chainId !== block.chainId) {
    const message = `The join token is for chain ${chainId}, this is ${block.chainId}.`;
    throw runtimeErrors.fail("nodes.join_token_invalid", { message, details });
  }
  if (block.timeMs >= expiresAtMs) throw runtimeErrors.fail("nodes.join_token_expired", { details });
  const farm = requireFarm(state, farmId);
  const { account } = requireTwin(state, farm.twinId);
  const message = encode(joinTokenBody, { chainId, farmId, expiresAtMs });
  if (!verify({ account, domain: "tfgrid/join-token/v1", message, signature })) {
    throw runtimeErrors.fail("nodes.join_token_invalid", {
      message: `The join token is not signed by the owner of farm ${farmId}.`,
      details,
    });
  }
  return farm;
}
