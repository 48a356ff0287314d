/** Calls that belong to an office which governance gives. */
import { runtimeErrors } from "../../errors.ts";
import type { CallContext } from "../context.ts";
import { readCharter } from "./store.ts";

/** @throws GridError governance.not_a_certifier */
export function requireCertifier({ state, signer }: Pick<CallContext, "state" | "signer">): void {
  if (readCharter(state).certifiers.includes(signer)) return;
  throw runtimeErrors.fail("governance.not_a_certifier", { details: { account: signer } });
}

/** @throws GridError governance.not_a_feeder */
export function requireFeeder({ state, signer }: Pick<CallContext, "state" | "signer">): void {
  if (readCharter(state).feeders.includes(signer)) return;
  throw runtimeErrors.fail("governance.not_a_feeder", { details: { account: signer } });
}
