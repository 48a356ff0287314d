import type { Handlers } from "../context.ts";
import { stakeMore, unstake } from "./stake.ts";
import { credit, debit } from "./store.ts";
import { countBurned } from "./supply.ts";

export const accountsCalls: Handlers<"accounts"> = {
  "accounts.transfer": ({ state, signer, emit }, { to, amountUnits }) => {
    debit(state, signer, amountUnits);
    credit(state, to, amountUnits);
    emit({ type: "accounts.transferred", from: signer, to, amountUnits });
  },
  "accounts.stake": stakeMore,
  "accounts.unstake": unstake,
  "accounts.burn": ({ state, signer, emit }, { amountUnits }) => {
    debit(state, signer, amountUnits);
    countBurned(state, amountUnits);
    emit({ type: "accounts.burned", account: signer, amountUnits });
  },
};
