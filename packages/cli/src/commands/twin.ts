/** `twin`: who takes part in the grid. */
import type { Command } from "commander";
import { type TwinId, formatTft } from "@tfgrid/primitives";
import { allRows } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { table } from "../output/terminal.ts";
import { found, parseId } from "./arguments.ts";
import type { Action } from "./index.ts";
import { addTwinKeyCommands } from "./twin-keys.ts";

export function addTwinCommands(program: Command, action: Action): void {
  const twin = program.command("twin").description("digital twins: who takes part");
  twin.command("list").description("all twins").action(action(list));
  twin.command("show").argument("[twin]", "twin id; yours when omitted").description("one twin with its balance").action(action(show));
  twin
    .command("create")
    .description("register the twin of your key (--mnemonic-file or TFGRID_MNEMONIC); its account pays the fee")
    .action(action(create));
  addTwinKeyCommands(twin, action);
}

async function list(context: Context): Promise<void> {
  const twins = await allRows((page) => context.chain().twins(page));
  context.printer.result(twins, () => table(["TWIN", "ACCOUNT", "RELAYS"], twins.map((twin) => [String(twin.id), twin.account, twin.relays.join(" ")])));
}

async function show(context: Context, id?: string): Promise<void> {
  const twinId = id === undefined ? (await context.identity()).twinId : parseId<TwinId>(id, "twin id");
  const twin = found(await context.chain().twin(twinId), `twin ${twinId}`);
  const account = await context.chain().account(twin.account);
  context.printer.result({ ...twin, account }, () => [`twin     ${twin.id}`, `account  ${twin.account}`, `balance  ${formatTft(account.freeUnits)} TFT free, ${formatTft(account.heldUnits)} TFT in deposits`, `relays   ${twin.relays.join(" ")}`].join("\n"));
}

/** Reached by messages through the grid's relays. */
async function create(context: Context): Promise<void> {
  const keyPair = context.keyPair();
  const relays = context.relays();
  const receipt = await context.chain().submit(keyPair, [{ type: "twins.create", relays, encryptionKey: keyPair.encryptionKey }]);
  const created = receipt.events.find((event) => event.type === "twins.created");
  if (created?.type !== "twins.created") throw new Error("twins.create emitted no twins.created");
  const { twinId } = created;
  context.printer.result({ twinId, account: keyPair.account, relays, feeUnits: receipt.feeUnits }, () => `twin ${twinId} is on the ledger (account ${keyPair.account}, fee ${formatTft(receipt.feeUnits)} TFT)`);
}
