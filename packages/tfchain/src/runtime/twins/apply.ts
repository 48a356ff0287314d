import type { TwinId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Handlers } from "../context.ts";
import { nextId } from "../params/store.ts";
import { acceptTwin, closeTwin, offerTwin, rotateKey } from "./move.ts";
import { actingTwin, twinIdByAccount, twins } from "./store.ts";
import { acceptTerms } from "./terms.ts";

export const twinsCalls: Handlers<"twins"> = {
  "twins.create": ({ state, block, signer, emit }, { relays, encryptionKey }) => {
    const existing = twinIdByAccount.get(state, signer);
    if (existing !== undefined) throw runtimeErrors.fail("twins.already_exists", { details: { twinId: existing } });
    const id = nextId<TwinId>(state, "twin");
    twins.put(state, id, { id, account: signer, relays, encryptionKey, createdAtMs: block.timeMs });
    twinIdByAccount.put(state, signer, id);
    emit({ type: "twins.created", twinId: id, account: signer });
  },
  "twins.update": (context, { relays, encryptionKey }) => {
    const twin = actingTwin(context);
    twins.put(context.state, twin.id, { ...twin, relays, encryptionKey });
    context.emit({ type: "twins.updated", twinId: twin.id });
  },
  "twins.rotate_key": rotateKey,
  "twins.offer": offerTwin,
  "twins.accept": acceptTwin,
  "twins.close": closeTwin,
  "twins.accept_terms": acceptTerms,
};
