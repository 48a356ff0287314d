/** `rent`: a whole 3Node for you and the agents of your solutions, at a discount. */
import type { Command } from "commander";
import { type NodeId, formatTft } from "@tfgrid/primitives";
import { type ChainReader, type Contract, allRows } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { contractTable } from "../output/describe.ts";
import { found, parseId } from "./arguments.ts";
import type { Action } from "./index.ts";
import { parseAmount, send } from "./ledger.ts";

export function addRentCommands(program: Command, action: Action): void {
  const rent = program.command("rent").description("whole 3Nodes, for you and your solutions only");
  rent.command("list").option("--all", "of everybody").description("your rents").action(action(list));
  rent
    .command("create")
    .argument("<node>", "node id; nobody else may use it")
    .argument("<tft>", "deposit in TFT; what is left comes back")
    .description("rent a node")
    .action(action(create));
  rent.command("deposit").argument("<node>", "node id").argument("<tft>", "amount in TFT").description("add to the deposit of a node's rent").action(action(deposit));
  rent.command("cancel").argument("<node>", "node id; nothing may run there any more").description("end the rent of a node").action(action(cancel));
}

async function list(context: Context, options: { readonly all?: boolean }): Promise<void> {
  const own = options.all === true ? {} : { twinId: (await context.identity()).twinId };
  const rows = (await allRows<Contract>((page) => context.chain().contracts({ ...page, ...own, active: true }))).filter(({ type }) => type === "rent");
  context.printer.result(rows, () => contractTable(rows));
}

async function create(context: Context, node: string, tft: string): Promise<void> {
  const [nodeId, depositUnits] = [parseId<NodeId>(node, "node id"), parseAmount(tft)];
  await send(context, {
    calls: [{ type: "contracts.create_rent", nodeId, depositUnits }],
    say: () => `node ${nodeId} is yours; ${formatTft(depositUnits)} TFT are deposited`,
    facts: ({ events }) => ({ contractId: events.find((event) => event.type === "contracts.created")?.contractId ?? null }),
  });
}

/** @throws GridError cli.not_found */
async function rentOn(chain: ChainReader, node: string): Promise<Contract> {
  const nodeId = parseId<NodeId>(node, "node id");
  return found(await chain.rentByNode(nodeId), `rent of node ${nodeId}`);
}

async function deposit(context: Context, node: string, tft: string): Promise<void> {
  const amountUnits = parseAmount(tft);
  const { id: contractId } = await rentOn(context.chain(), node);
  await send(context, { calls: [{ type: "contracts.deposit", contractId, amountUnits }], say: () => `${formatTft(amountUnits)} TFT more for the rent of node ${node}` });
}

async function cancel(context: Context, node: string): Promise<void> {
  const { id: contractId } = await rentOn(context.chain(), node);
  await send(context, {
    calls: [{ type: "contracts.cancel", contractId }],
    say: ({ events }) => {
      const ended = events.find((event) => event.type === "contracts.deleted");
      return `the rent of node ${node} has ended; ${formatTft(ended?.type === "contracts.deleted" ? ended.refundedUnits : 0n)} TFT came back`;
    },
  });
}
