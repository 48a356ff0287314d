import type { World } from "../module.ts";
import { proposals } from "../governance/store.ts";
import { services } from "../services/store.ts";
import { twins } from "../twins/store.ts";
import { readStaked, stakes } from "./stake.ts";
import { accounts } from "./store.ts";
import { readSupply } from "./supply.ts";
import type { Contract } from "../../types/entities.ts";

/** Negative amounts cannot even be stored: their schema refuses them. */
export function* supplyConserved({ state }: World): Iterable<string> {
  let total = 0n;
  for (const { freeUnits, heldUnits } of accounts.all(state)) total += freeUnits + heldUnits;
  const { totalUnits } = readSupply(state);
  if (total !== totalUnits) yield `all accounts hold ${total} units, ${totalUnits} exist`;
}

/** What an account holds is exactly what contracts, solutions, stakes, proposals and services keep of it. */
export function* holdsAreEscrows({ state, contracts: rows, solutions: owned }: World): Iterable<string> {
  const held = new Map<string, bigint>();
  const add = (twinId: Contract["twinId"], units: bigint): void => {
    const account = twins.get(state, twinId)?.account ?? `twin ${twinId}`;
    held.set(account, (held.get(account) ?? 0n) + units);
  };
  for (const row of [...rows, ...owned]) add(row.twinId, row.escrowUnits);
  for (const row of stakes.all(state)) add(row.twinId, row.amountUnits);
  for (const row of proposals.all(state)) add(row.proposerTwinId, row.depositUnits);
  for (const row of services.all(state)) add(row.consumerTwinId, row.escrowUnits);
  for (const { id, heldUnits } of accounts.all(state)) {
    if (heldUnits !== (held.get(id) ?? 0n)) yield `account ${id} holds ${heldUnits} units, its escrows ${held.get(id) ?? 0n}`;
    held.delete(id);
  }
  for (const [account, units] of held) if (units !== 0n) yield `escrows of ${account} count ${units} units, nothing is held`;
  for (const row of rows) if (row.state === "deleted" && row.escrowUnits !== 0n) yield `contract ${row.id} ended with ${row.escrowUnits} units`;
}

export function* stakesAreCounted({ state }: World): Iterable<string> {
  let total = 0n;
  for (const { amountUnits } of stakes.all(state)) total += amountUnits;
  if (total !== readStaked(state)) yield `stakes count ${total} units, ${readStaked(state)} are remembered`;
}
