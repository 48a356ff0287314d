/** What the owner of a contract outside a solution may do: prepay, and end it. */
import type { Command } from "commander";
import { type ContractId, formatTft } from "@tfgrid/primitives";
import type { Action } from "./index.ts";
import { parseId } from "./arguments.ts";
import { parseAmount, send } from "./ledger.ts";

export function addContractMoneyCommands(contract: Command, action: Action): void {
  contract.command("deposit").argument("<contract>", "contract id").argument("<tft>", "amount in TFT").description("add to a contract's deposit; one in grace goes on when it suffices").action(
    action(async (context, id: string, tft: string) => {
      const [contractId, amountUnits] = [parseId<ContractId>(id, "contract id"), parseAmount(tft)];
      await send(context, { calls: [{ type: "contracts.deposit", contractId, amountUnits }], say: () => `${formatTft(amountUnits)} TFT more for contract ${contractId}` });
    }),
  );
  contract.command("cancel").argument("<contract>", "contract id; yours, and not part of a solution").description("end a contract; what is left of its deposit comes back").action(
    action(async (context, id: string) => {
      const contractId = parseId<ContractId>(id, "contract id");
      await send(context, {
        calls: [{ type: "contracts.cancel", contractId }],
        say: ({ events }) => {
          const ended = events.find(({ type }) => type === "contracts.deleted");
          return `contract ${contractId} has ended; ${formatTft(ended?.type === "contracts.deleted" ? ended.refundedUnits : 0n)} TFT came back`;
        },
      });
    }),
  );
}
