/** Commands that look: nodes, contracts and the stream of events. */
import { Argument, type Command } from "commander";
import { type ContractId, type NodeId, formatTft } from "@tfgrid/primitives";
import { type Contract, type Node, allRows } from "@tfgrid/tfchain";
import { cliErrors } from "../errors.ts";
import { contractTable, nodeState, nodeTable } from "../output/describe.ts";
import type { Context } from "../context.ts";
import { found, parseId } from "./arguments.ts";
import { addContractMoneyCommands } from "./contract-money.ts";
import type { Action } from "./index.ts";
import { parseCount, send } from "./ledger.ts";
import { addNodePropertyCommands } from "./node-property.ts";

export function addReadCommands(program: Command, action: Action): void {
  const node = program.command("node").description("3Nodes: capacity, state, maintenance, power, certification");
  addNodes(node, action);
  addNodePropertyCommands(node, action);
  const contract = program.command("contract").description("contracts on the ledger");
  addContracts(contract, action);
  addContractMoneyCommands(contract, action);
  program
    .command("events")
    .description("what happens on the ledger, block by block")
    .option("--follow", "go on until interrupted")
    .option("--from <height>", "first height wanted")
    .action(action(showEvents));
}

function addNodes(command: Command, action: Action): void {
  command.command("list").description("all 3Nodes").action(
    action(async (context) => {
      const nodes = await allRows((page) => context.chain().nodes(page));
      context.printer.result(nodes, () => nodeTable(nodes, Date.now()));
    }),
  );
  command.command("show").argument("<node>", "node id").description("one 3Node with its contracts").action(
    action(async (context, id: string) => {
      const nodeId = parseId<NodeId>(id, "node id");
      const node = found(await context.chain().node(nodeId), `node ${id}`);
      const contracts = await allRows((page) => context.chain().contracts({ ...page, nodeId, active: true }));
      context.printer.result({ ...node, contracts }, () => `${nodeTable([node], Date.now())}\n\nstate    ${nodeState(node)}\nfarm     ${node.farmId}\nmesh     ${node.meshEndpoints.map((end) => `${end.address}:${end.port}`).join(", ")}\nversion  ${node.softwareVersion}\n\n${contractTable(contracts)}`);
    }),
  );
  const maintenance = (name: "cordon" | "drain" | "uncordon", description: string): void => {
    const added = command.command(name).argument("<node>", "node id").description(description);
    if (name !== "uncordon") added.option("--notice <hours>", "announced this many hours in advance", "0");
    added.action(
      action(async (context, id: string, { notice = "0" }: { notice?: string }) => setMaintenance(context, { nodeId: parseId<NodeId>(id, "node id"), mode: name === "uncordon" ? "none" : name, noticeHours: parseHours(notice) })),
    );
  };
  maintenance("cordon", "no new contracts on this node");
  maintenance("drain", "agents move what runs on this node elsewhere");
  maintenance("uncordon", "end of maintenance");
  command
    .command("power")
    .argument("<node>", "node id")
    .addArgument(new Argument("<target>", "down: it switches itself off, when no contract is on it").choices(["up", "down"]))
    .description("switch a 3Node off or on")
    .action(action((context, id: string, target: "up" | "down") => setPower(context, parseId<NodeId>(id, "node id"), target)));
}

async function setPower(context: Context, nodeId: NodeId, target: "up" | "down"): Promise<void> {
  const then = target === "down" ? "it says so on the ledger before it goes" : "a 3Node of its farm that is on wakes it; nothing is placed there before its next heartbeat";
  await send(context, { role: "farmer", calls: [{ type: "nodes.set_power", nodeId, target }], say: () => `node ${nodeId} is wanted ${target === "down" ? "off" : "on"}: ${then}` });
}

/** A year: who announces more means something else. */
const MAX_NOTICE_HOURS = 8_760;

/** Half hours count too. @throws GridError cli.bad_argument */
function parseHours(text: string): number {
  const hours = Number(text);
  if (/^\d{1,4}(\.\d{1,3})?$/.test(text) && hours <= MAX_NOTICE_HOURS) return hours;
  throw cliErrors.fail("cli.bad_argument", { message: `--notice takes a number of hours, 0 to ${MAX_NOTICE_HOURS}, not "${text}".` });
}

async function setMaintenance(context: Context, options: { readonly nodeId: NodeId; readonly mode: Node["maintenance"]["mode"]; readonly noticeHours: number }): Promise<void> {
  const { nodeId, mode, noticeHours } = options;
  const { keyPair } = await context.identity("farmer");
  const noticeUntilMs = noticeHours === 0 ? 0 : Date.now() + Math.round(noticeHours * 3_600_000);
  const receipt = await context.chain().submit(keyPair, [{ type: "nodes.set_maintenance", nodeId, mode, noticeUntilMs }], { signal: context.signal });
  context.printer.result({ nodeId, mode, height: receipt.height }, () => `node ${nodeId}: ${mode === "none" ? "no maintenance" : mode}`);
}

function addContracts(command: Command, action: Action): void {
  command.command("list").option("--all", "deleted ones too").option("--node <id>", "of this 3Node only").option("--solution <id>", "parts of this solution only").description("contracts on the ledger").action(
    action(async (context, options: { all?: boolean; node?: string; solution?: string }) => {
      const filter = {
        ...(options.all === true ? {} : { active: true }),
        ...(options.node === undefined ? {} : { nodeId: parseId<NodeId>(options.node, "node id") }),
        ...(options.solution === undefined ? {} : { solutionId: parseId<never>(options.solution, "solution id") }),
      };
      const contracts = await allRows<Contract>((page) => context.chain().contracts({ ...page, ...filter }));
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

async function showEvents(context: Context, options: { follow?: boolean; from?: string }): Promise<void> {
  const { height } = await context.chain().head();
  const from = options.from === undefined ? Math.max(0, height - 100) : parseCount(options.from, "height", [0, options.follow === true ? Number.MAX_SAFE_INTEGER : height]);
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
