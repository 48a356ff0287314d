/** Prices are in US dollars: when the price of TFT (or of a unit) has moved, a contract costs the new amount from its next bill on. */
import type { Contract } from "../../types/entities.ts";
import { changeSpend } from "../accounts/stake.ts";
import type { StateWriter } from "../api.ts";
import { currentPrice } from "../contracts/price.ts";
import { contracts } from "../contracts/store.ts";

/** After a settlement: what has run until now was billed at the old price. Stores the contract when its price has changed. */
export function followPrice(state: StateWriter, contract: Contract): Contract {
  const costPerHourUnits = currentPrice(state, contract);
  if (costPerHourUnits === contract.costPerHourUnits) return contract;
  changeSpend(state, contract.twinId, costPerHourUnits - contract.costPerHourUnits);
  const next: Contract = { ...contract, costPerHourUnits };
  contracts.put(state, next.id, next);
  return next;
}
