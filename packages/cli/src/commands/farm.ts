/** `farm`: who brings 3Nodes, and the word that lets a machine join. */
import { type Command, InvalidArgumentError } from "commander";
import { systemClock } from "@tfgrid/primitives";
import { allRows, runtime } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { JOIN_TOKEN_LIFE_MS, signJoinToken } from "../local-grid/join-token.ts";
import { nodeTable } from "../output/describe.ts";
import { table } from "../output/terminal.ts";
import { addFarmPropertyCommands } from "./farm-property.ts";
import type { Action } from "./index.ts";
import { farmOf } from "./ledger.ts";

const HOUR_MS = 3_600_000;
/** A month: who needs a token for longer asks for another one, so that a forgotten one ends by itself. */
const MAX_TOKEN_HOURS = 744;

export function addFarmCommands(program: Command, action: Action): void {
  const farm = program.command("farm").description("farms: who brings 3Nodes");
  farm.command("list").description("all farms").action(action(list));
  farm.command("show").argument("<farm>", "farm id or name").description("one farm with its nodes").action(action(show));
  farm.command("create").argument("<name>", "a DNS label, unique on the grid").option("--dedicated", "nodes are rented whole only").description("register a farm").action(action(create));
  farm
    .command("token")
    .argument("<farm>", "farm id or name; yours")
    .option("--hours <count>", "how long machines may join with it", tokenHours, JOIN_TOKEN_LIFE_MS / HOUR_MS)
    .description("sign a join token: put it into the `joinToken` field of a 3Node's configuration")
    .action(action(token));
  addFarmPropertyCommands(farm, action);
}

function tokenHours(text: string): number {
  const hours = Number(text);
  if (!Number.isInteger(hours) || hours < 1 || hours > MAX_TOKEN_HOURS) throw new InvalidArgumentError(`1 to ${MAX_TOKEN_HOURS} hours.`);
  return hours;
}

async function list(context: Context): Promise<void> {
  const farms = await allRows((page) => context.chain().farms(page));
  context.printer.result(farms, () => table(["FARM", "NAME", "OWNER", "DEDICATED", "PRICE"], farms.map((farm) => [String(farm.id), farm.name, `twin ${farm.twinId}`, farm.dedicated ? "yes" : "no", `${runtime.announcedTerms(farm).computePercent} %`])));
}

async function show(context: Context, id: string): Promise<void> {
  const chain = context.chain();
  const farm = await farmOf(chain, id);
  const nodes = (await allRows((page) => chain.nodes(page))).filter((node) => node.farmId === farm.id);
  context.printer.result({ ...farm, nodes }, () => `farm ${farm.id} "${farm.name}" of twin ${farm.twinId}\n${nodeTable(nodes, Date.now())}`);
}

async function create(context: Context, name: string, options: { dedicated?: boolean }): Promise<void> {
  const { keyPair } = await context.identity("farmer");
  const receipt = await context.chain().submit(keyPair, [{ type: "farms.create", name, dedicated: options.dedicated === true }]);
  const event = receipt.events.find((entry) => entry.type === "farms.created");
  if (event?.type !== "farms.created") throw new Error("farms.create emitted no farms.created");
  context.printer.result(event, () => `farm ${event.farmId} "${name}" is on the ledger`);
}

/** Made without the ledger's help; the ledger checks it when a machine joins, so a foreign key is refused here already. */
async function token(context: Context, id: string, options: { readonly hours: number }): Promise<void> {
  const { keyPair, twinId } = await context.identity("farmer");
  const farm = await farmOf(context.chain(), id);
  if (farm.twinId !== twinId) throw cliErrors.fail("cli.not_farmer", { message: `Farm ${farm.id} "${farm.name}" belongs to twin ${farm.twinId}; you sign as twin ${twinId}.` });
  const { chainId } = context.chainAccess().trust;
  const signed = signJoinToken({ farmer: keyPair, farmId: farm.id, chainId, nowMs: systemClock.nowMs(), lifeMs: options.hours * HOUR_MS });
  context.printer.progress(`Machines join farm ${farm.id} "${farm.name}" with this until ${new Date(signed.expiresAtMs).toISOString()}; treat it as a password.`);
  context.printer.result(signed, () => JSON.stringify(signed));
}
