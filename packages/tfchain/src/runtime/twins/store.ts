import type { AccountId, TwinId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type Twin, twin, twinId } from "../../types/entities.ts";
import type { StateReader } from "../api.ts";
import type { CallContext } from "../context.ts";
import { table } from "../store/table.ts";

export const twins = table<TwinId, Twin>({ prefix: "twin", schema: twin });
export const twinIdByAccount = table<AccountId, TwinId>({ prefix: "twin-by-account", schema: twinId });

export function twinByAccount(state: StateReader, account: AccountId): Twin | undefined {
  const id = twinIdByAccount.get(state, account);
  return id === undefined ? undefined : twins.get(state, id);
}

/** @throws GridError twins.not_found */
export function requireTwin(state: StateReader, id: TwinId): Twin {
  const row = twins.get(state, id);
  if (row === undefined) throw runtimeErrors.fail("twins.not_found", { message: `There is no twin ${id}.`, details: { twinId: id } });
  return row;
}

/** The twin that acts in this call. @throws GridError twins.unknown_signer */
export function actingTwin({ state, signer }: Pick<CallContext, "state" | "signer">): Twin {
  const row = twinByAccount(state, signer);
  if (row === undefined) throw runtimeErrors.fail("twins.unknown_signer", { details: { account: signer } });
  return row;
}
