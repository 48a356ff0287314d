/** Commands that look: twins, farms, nodes, contracts, the wallet and the stream of events. */
import type { Command } from "commander";
import { type ContractId, type FarmId, type NodeId, type TwinId, formatTft, parseTft } from "@tfgrid/primitives";
import { type ChainReader, type Contract, type Node } from "@tfgrid/tfchain";
import { cliErrors } from "../errors.ts";
import { contractTable, nodeState, nodeTable } from "../output/describe.ts";
import { table } from "../output/terminal.ts";
import type { Context } from "../context.ts";
import { allPages, parseId } from "./arguments.ts";
import type { Action } from "./index.ts";

export function addReadCommands(program: Command, action: Action): void {
  addTwins(program.command("twin").description("digital twins: who takes part"), action);
  addFarms(program.command("farm").description("farms: who brings 3Nodes"), action);
  addNodes(program.command("node").description("3Nodes: capacity, state, maintenance"), action);
  addContracts(program.command("contract").description("contracts on the ledger"), action);
  addWallet(program.command("wallet").description("TFT: balance and transfers"), action);
  program
    .command("events")
    .description("what happens on the ledger, block by block")
    .option("--follow", "go on until interrupted")
    .option("--from <height>", "first height wanted")
    .action(action(showEvents));
}

function addTwins(command: Command, action: Action): void {
  command.command("list").description("all twins").action(
    action(async (context) => {
      const twins = await allPages((page) => context.chain().twins(page));
      context.printer.result(twins, () => table(["TWIN", "ACCOUNT", "RELAYS"], twins.map((twin) => [String(twin.id), twin.account, twin.relays.join(" ")])));
    }),
  );
  command.command("show").argument("[twin]", "twin id; yours when omitted").description("one twin with its balance").action(
    action(async (context, id?: string) => {
      const twinId = id === undefined ? (await context.identity()).twinId : parseId<TwinId>(id, "twin id");
      const twin = found(await context.chain().twin(twinId), `twin ${twinId}`);
      const account = await context.chain().account(twin.account);
      context.printer.result({ ...twin, account }, () => [`twin     ${twin.id}`, `account  ${twin.account}`, `balance  ${formatTft(account.freeUnits)} TFT free, ${formatTft(account.heldUnits)} TFT in deposits`, `relays   ${twin.relays.join(" ")}`].join("\n"));
    }),
  );
}

function addFarms(command: Command, action: Action): void {
  command.command("list").description("all farms").action(
    action(async (context) => {
      const farms = await allPages((page) => context.chain().farms(page));
      context.printer.result(farms, () => table(["FARM", "NAME", "OWNER", "DEDICATED"], farms.map((farm) => [String(farm.id), farm.name, `twin ${farm.twinId}`, farm.dedicated ? "yes" : "no"])));
    }),
  );
  command.command("show").argument("<farm>", "farm id or name").description("one farm with its nodes").action(
    action(async (context, id: string) => {
      const chain = context.chain();
      const farm = found(/^\d+$/.test(id) ? await chain.farm(parseId<FarmId>(id, "farm id")) : await chain.farmByName(id), `farm ${id}`);
      const nodes = (await allPages((page) => chain.nodes(page))).filter((node) => node.farmId === farm.id);
      context.printer.result({ ...farm, nodes }, () => `farm ${farm.id} "${farm.name}" of twin ${farm.twinId}\n${nodeTable(nodes, Date.now())}`);
    }),
  );
  command.command("create").argument("<name>", "a DNS label, unique on the grid").option("--dedicated", "nodes are rented whole only").description("register a farm").action(
    action(async (context, name: string, options: { dedicated?: boolean }) => {
      const { keyPair } = await context.identity("farmer");
      const receipt = await context.chain().submit(keyPair, [{ type: "farms.create", name, dedicated: options.dedicated === true }]);
      const event = receipt.events.find((entry) => entry.type === "farms.created");
      context.printer.result(event, () => `farm ${event?.type === "farms.created" ? event.farmId : "?"} "${name}" is on the ledger`);
    }),
  );
}

function addNodes(command: Command, action: Action): void {
  command.command("list").description("all 3Nodes").action(
    action(async (context) => {
      const nodes = await allPages((page) => context.chain().nodes(page));
      context.printer.result(nodes, () => nodeTable(nodes, Date.now()));
    }),
  );
  command.command("show").argument("<node>", "node id").description("one 3Node with its contracts").action(
    action(async (context, id: string) => {
      const nodeId = parseId<NodeId>(id, "node id");
      const node = found(await context.chain().node(nodeId), `node ${id}`);
      const contracts = await allPages((page) => context.chain().contracts({ ...page, nodeId, active: true }));
      context.printer.result({ ...node, contracts }, () => `${nodeTable([node], Date.now())}\n\nstate    ${nodeState(node)}\nfarm     ${node.farmId}\nmesh     ${node.meshEndpoints.map((end) => `${end.address}:${end.port}`).join(", ")}\nversion  ${node.softwareVersion}\n\n${contractTable(contracts)}`);
    }),
  );
  const maintenance = (name: "cordon" | "drain" | "uncordon", description: string): void => {
    command.command(name).argument("<node>", "node id").option("--notice <hours>", "announced this many hours in advance", "0").description(description).action(
      action(async (context, id: string, options: { notice: string }) => setMaintenance(context, { nodeId: parseId<NodeId>(id, "node id"), mode: name === "uncordon" ? "none" : name, noticeHours: Number(options.notice) })),
    );
  };
  maintenance("cordon", "no new contracts on this node");
  maintenance("drain", "agents move what runs on this node elsewhere");
  maintenance("uncordon", "end of maintenance");
}

async function setMaintenance(context: Context, options: { readonly nodeId: NodeId; readonly mode: Node["maintenance"]["mode"]; readonly noticeHours: number }): Promise<void> {
  const { nodeId, mode, noticeHours } = options;
  if (!Number.isFinite(noticeHours) || noticeHours < 0) throw cliErrors.fail("cli.bad_argument", { message: "--notice takes a number of hours." });
  const { keyPair } = await context.identity("farmer");
  const noticeUntilMs = noticeHours === 0 ? 0 : Date.now() + Math.round(noticeHours * 3_600_000);
  const receipt = await context.chain().submit(keyPair, [{ type: "nodes.set_maintenance", nodeId, mode, noticeUntilMs }]);
  context.printer.result({ nodeId, mode, height: receipt.height }, () => `node ${nodeId}: ${mode === "none" ? "no maintenance" : mode}`);
}

function addContracts(command: Command, action: Action): void {
  command.command("list").option("--all", "deleted ones too").option("--node <id>").option("--solution <id>").description("contracts on the ledger").action(
    action(async (context, options: { all?: boolean; node?: string; solution?: string }) => {
      const filter = {
        ...(options.all === true ? {} : { active: true }),
        ...(options.node === undefined ? {} : { nodeId: parseId<NodeId>(options.node, "node id") }),
        ...(options.solution === undefined ? {} : { solutionId: parseId<never>(options.solution, "solution id") }),
      };
      const contracts = await allPages<Contract>((page) => context.chain().contracts({ ...page, ...filter }));
      context.printer.result(contracts, () => contractTable(contracts));
    }),
  );
  command.command("show").argument("<contract>", "contract id").description("one contract, whole").action(
    action(async (context, id: string) => {
      const contract = found(await context.chain().contract(parseId<ContractId>(id, "contract id")), `contract ${id}`);
      context.printer.result(contract, () => `${contractTable([contract])}\n\n${JSON.stringify(contract, (_key, value: unknown) => (typeof value === "bigint" ? formatTft(value) : value), 2)}`);
    }),
  );
}

function addWallet(command: Command, action: Action): void {
  command.command("show", { isDefault: true }).description("balance of your account").action(
    action(async (context) => {
      const { keyPair, twinId } = await context.identity();
      const account = await context.chain().account(keyPair.account);
      context.printer.result({ twinId, ...account }, () => `twin     ${twinId}\naccount  ${account.id}\nfree     ${formatTft(account.freeUnits)} TFT\nheld     ${formatTft(account.heldUnits)} TFT (deposits of your contracts)`);
    }),
  );
  command.command("transfer").argument("<to>", "account, or a twin id").argument("<tft>", "amount in TFT").description("send TFT").action(
    action(async (context, to: string, amount: string) => {
      const amountUnits = parseTft(amount);
      if (amountUnits === undefined || amountUnits === 0n) throw cliErrors.fail("cli.bad_argument", { message: `${amount} is not an amount of TFT (for example 12.5).` });
      const { keyPair } = await context.identity();
      const account = await accountOf(context.chain(), to);
      const receipt = await context.chain().submit(keyPair, [{ type: "accounts.transfer", to: account, amountUnits }]);
      context.printer.result(receipt, () => `sent ${formatTft(amountUnits)} TFT to ${account} (fee ${formatTft(receipt.feeUnits)} TFT)`);
    }),
  );
}

async function accountOf(chain: ChainReader, to: string): Promise<Parameters<ChainReader["account"]>[0]> {
  if (/^[0-9a-f]{64}$/.test(to)) return to as Parameters<ChainReader["account"]>[0];
  return found(await chain.twin(parseId<TwinId>(to, "account or twin id")), `twin ${to}`).account;
}

async function showEvents(context: Context, options: { follow?: boolean; from?: string }): Promise<void> {
  const { height } = await context.chain().head();
  const from = options.from === undefined ? Math.max(0, height - 100) : Number(options.from);
  const until = options.follow === true ? Number.POSITIVE_INFINITY : height;
  for await (const block of context.chain().follow({ from: from as typeof height, signal: context.signal })) {
    if (block.height > until) return;
    for (const { type, ...rest } of block.events) {
      const facts = Object.entries(rest).map(([key, value]) => `${key}=${String(value)}`);
      context.printer.line({ height: block.height, timeMs: block.timeMs, type, ...rest }, `${new Date(block.timeMs).toISOString()} #${block.height} ${type} ${facts.join(" ")}`);
    }
    if (block.height === until) return;
  }
}

/** @throws GridError cli.not_found */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw cliErrors.fail("cli.not_found", { message: `There is no ${what}.` });
  return value;
}
