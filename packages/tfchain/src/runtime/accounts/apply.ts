import type { Handlers } from "../context.ts";
import { credit, debit } from "./store.ts";

export const accountsCalls: Handlers<"accounts"> = {
  "accounts.transfer": ({ state, signer, emit }, { to, amountUnits }) => {
    debit(state, signer, amountUnits);
    credit(state, to, amountUnits);
    emit({ type: "accounts.transferred", from: signer, to, amountUnits });
  },
};
