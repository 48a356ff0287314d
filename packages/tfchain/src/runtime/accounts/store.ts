import type { AccountId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type Account, account } from "../../types/entities.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { table } from "../store/table.ts";

export const accounts = table<AccountId, Account>({ prefix: "account", schema: account });

/** An account needs no opening: it exists with nothing in it. */
export function readAccount(state: StateReader, id: AccountId): Account {
  return accounts.get(state, id) ?? { id, freeUnits: 0n, heldUnits: 0n, nonce: 0 };
}

/** Money moves only through these five: each changes one account, callers pair them so that nothing is made or lost. */
export function credit(state: StateWriter, id: AccountId, units: bigint): void {
  if (units === 0n) return;
  const row = readAccount(state, id);
  accounts.put(state, id, { ...row, freeUnits: row.freeUnits + units });
}

/** @throws GridError accounts.insufficient_balance */
export function debit(state: StateWriter, id: AccountId, units: bigint): void {
  const row = readAccount(state, id);
  requireFree(row, units);
  accounts.put(state, id, { ...row, freeUnits: row.freeUnits - units });
}

export function creditHeld(state: StateWriter, id: AccountId, units: bigint): void {
  const row = readAccount(state, id);
  accounts.put(state, id, { ...row, heldUnits: row.heldUnits + units });
}

/** Takes out of escrow: to be paid out by the caller. */
export function debitHeld(state: StateWriter, id: AccountId, units: bigint): void {
  if (units === 0n) return;
  const row = readAccount(state, id);
  if (row.heldUnits < units) throw new Error(`account ${id} holds ${row.heldUnits}, ${units} wanted: escrow and holds differ`);
  accounts.put(state, id, { ...row, heldUnits: row.heldUnits - units });
}

/** Back from escrow. */
export function release(state: StateWriter, id: AccountId, units: bigint): void {
  debitHeld(state, id, units);
  credit(state, id, units);
}

function requireFree(row: Account, units: bigint): void {
  if (row.freeUnits >= units) return;
  throw runtimeErrors.fail("accounts.insufficient_balance", {
    message: `Account ${row.id} has ${row.freeUnits} free units, ${units} are needed.`,
    details: { account: row.id, freeUnits: row.freeUnits.toString(), neededUnits: units.toString() },
  });
}
