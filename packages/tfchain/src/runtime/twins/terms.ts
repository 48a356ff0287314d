import { type TwinId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type AcceptedTerms, acceptedTerms as schema } from "../../types/ledger.ts";
import type { StateReader } from "../api.ts";
import type { CallContext, CallOf } from "../context.ts";
import { readCharter } from "../policy/store.ts";
import { table } from "../store/table.ts";
import { actingTwin } from "./store.ts";

export const acceptedTerms = table<TwinId, AcceptedTerms>({ prefix: "terms", schema });

/** Exactly the version in force: nobody accepts what he has not been shown, or what is past. */
export function acceptTerms(context: CallContext, { version }: CallOf<"twins.accept_terms">): void {
  const { state, block, emit } = context;
  const twin = actingTwin(context);
  const { terms } = readCharter(state);
  if (terms === null || terms.version !== version) {
    throw runtimeErrors.fail("twins.other_terms", { details: { version, currentVersion: terms?.version ?? 0, document: terms?.document ?? null } });
  }
  acceptedTerms.put(state, twin.id, { twinId: twin.id, version, document: terms.document, atMs: block.timeMs });
  emit({ type: "twins.terms_accepted", twinId: twin.id, version });
}

/**
 * Asked before a twin takes on something new. The parts that an agent makes for an agreed solution are not new: a change of
 * terms must not keep a solution from being healed. @throws GridError twins.terms_not_accepted
 */
export function requireTerms(state: StateReader, id: TwinId): void {
  const { terms } = readCharter(state);
  const version = acceptedTerms.get(state, id)?.version ?? 0;
  if (terms === null || version === terms.version) return;
  throw runtimeErrors.fail("twins.terms_not_accepted", {
    message: `Twin ${id} has accepted version ${version} of the terms, version ${terms.version} is in force.`,
    details: { twinId: id, acceptedVersion: version, currentVersion: terms.version, document: terms.document },
  });
}
