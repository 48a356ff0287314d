/** A twin gets another key: by its own will (rotation), or by offer and acceptance (transfer). And its end. */
import { type AccountId, type TwinId, encode } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { keyRotationBody } from "../../types/calls.ts";
import { type Twin, accountId } from "../../types/entities.ts";
import { stakes } from "../accounts/stake.ts";
import { credit, creditHeld, debit, debitHeld, readAccount } from "../accounts/store.ts";
import type { StateWriter } from "../api.ts";
import type { CallContext, CallOf } from "../context.ts";
import { contractsByTwin } from "../contracts/store.ts";
import { nodeIdByTwin } from "../nodes/store.ts";
import { table } from "../store/table.ts";
import { actingTwin, requireTwin, twinIdByAccount, twins } from "./store.ts";
import { acceptedTerms } from "./terms.ts";
import { readTies } from "./ties.ts";

export const twinOffers = table<TwinId, AccountId>({ prefix: "twin-offer", schema: accountId });

export function rotateKey(context: CallContext, call: CallOf<"twins.rotate_key">): void {
  const { state, block, verify } = context;
  const { account, encryptionKey, expiresAtMs, proof } = call;
  const twin = actingTwin(context);
  const body = { chainId: block.chainId, twinId: twin.id, account, expiresAtMs };
  const details = { twinId: twin.id, account };
  const signed = verify({ account, domain: "tfgrid/rotate-key/v1", message: encode(keyRotationBody, body), signature: proof });
  if (!signed || block.timeMs >= expiresAtMs) throw runtimeErrors.fail("twins.bad_rotation_proof", { details });
  const from = twin.account;
  moveTwin(context, { ...twin, encryptionKey }, account, "key_rotated");
  // The old key may be in wrong hands: nothing stays with it.
  const { freeUnits } = readAccount(state, from);
  debit(state, from, freeUnits);
  credit(state, account, freeUnits);
}

export function offerTwin(context: CallContext, { to }: CallOf<"twins.offer">): void {
  const { state, emit } = context;
  const twin = actingTwin(context);
  if (to === null) twinOffers.delete(state, twin.id);
  else {
    requireNoTwin(state, to);
    twinOffers.put(state, twin.id, to);
  }
  emit({ type: "twins.offered", twinId: twin.id, to });
}

export function acceptTwin(context: CallContext, { twinId, relays, encryptionKey }: CallOf<"twins.accept">): void {
  const { state, signer } = context;
  const twin = requireTwin(state, twinId);
  if (twinOffers.get(state, twinId) !== signer) throw runtimeErrors.fail("twins.not_offered", { details: { twinId, account: signer } });
  // The new holder has agreed to nothing yet.
  acceptedTerms.delete(state, twinId);
  moveTwin(context, { ...twin, relays, encryptionKey }, signer, "transferred");
}

function moveTwin({ state, emit }: CallContext, twin: Twin, to: AccountId, cause: "key_rotated" | "transferred"): void {
  requireNoTwin(state, to);
  const from = twin.account;
  twinIdByAccount.delete(state, from);
  twinIdByAccount.put(state, to, twin.id);
  twins.put(state, twin.id, { ...twin, account: to });
  twinOffers.delete(state, twin.id);
  // Escrow and stake are the twin's, whoever holds its key.
  const { heldUnits } = readAccount(state, from);
  debitHeld(state, from, heldUnits);
  if (heldUnits > 0n) creditHeld(state, to, heldUnits);
  emit({ type: "twins.moved", twinId: twin.id, from, to, cause });
}

function requireNoTwin(state: StateWriter, account: AccountId): void {
  const existing = twinIdByAccount.get(state, account);
  if (existing !== undefined) throw runtimeErrors.fail("twins.already_exists", { details: { twinId: existing } });
}

export function closeTwin(context: CallContext): void {
  const { state, emit } = context;
  const twin = actingTwin(context);
  const open = openTies(context, twin.id);
  if (open.length > 0) {
    const message = `Twin ${twin.id} still has: ${open.join(", ")}.`;
    throw runtimeErrors.fail("twins.still_needed", { message, details: { twinId: twin.id, open } });
  }
  twins.delete(state, twin.id);
  twinIdByAccount.delete(state, twin.account);
  twinOffers.delete(state, twin.id);
  acceptedTerms.delete(state, twin.id);
  emit({ type: "twins.closed", twinId: twin.id, account: twin.account });
}

function openTies({ state }: CallContext, id: TwinId): string[] {
  const { farms, solutions, services } = readTies(state, id);
  const [contract] = contractsByTwin.ids(state, [id, "a"], { limit: 1 });
  const held = readAccount(state, requireTwin(state, id).account).heldUnits;
  const found: readonly (readonly [string, boolean])[] = [
    ["farms", farms > 0],
    ["a node", nodeIdByTwin.get(state, id) !== undefined],
    ["solutions", solutions > 0],
    ["service contracts", services > 0],
    ["contracts", contract !== undefined],
    ["a stake", stakes.get(state, id) !== undefined],
    ["money on hold", held > 0n],
  ];
  return found.filter(([, present]) => present).map(([name]) => name);
}
