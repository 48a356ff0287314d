/** What a farmer may do with a farm: hand it over, say who is paid, its public addresses, its end. */
import { Argument, type Command, Option } from "commander";
import type { TwinId } from "@tfgrid/primitives";
import { type Call, type Farm, type chain, runtime } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { table } from "../output/terminal.ts";
import { parseId } from "./arguments.ts";
import type { Action } from "./index.ts";
import { accountOf, facts, farmOf, isoTime, parseCount, send } from "./ledger.ts";

export function addFarmPropertyCommands(farm: Command, action: Action): void {
  const ofFarm = (name: string, description: string): Command => farm.command(name).argument("<farm>", "farm id or name").description(description);
  ofFarm("offer", "offer a farm, with its nodes, to another twin").argument("<twin>", "twin id, or `nobody` to withdraw").action(action(offer));
  ofFarm("accept", "take over a farm that was offered to you").action(
    action((context, id: string) => change(context, id, "user", ({ id: farmId, name }) => [{ type: "farms.accept", farmId }, `farm ${farmId} "${name}" is yours, with its nodes`])),
  );
  ofFarm("payout", "who gets what the farm earns").argument("<account>", "account or twin id, or `owner`").action(action(payout));
  ofFarm("ips", "public addresses of a farm").action(action(listIps));
  ofFarm("add-ip", "add a public address")
    .argument("<ip>", "with prefix length, for example 185.69.166.10/24")
    .argument("<gateway>", "in the same range")
    .action(
      action((context, id: string, ip: string, gateway: string) => change(context, id, "farmer", ({ id: farmId }) => [{ type: "farms.add_ip", farmId, ip, gateway }, `farm ${farmId} has ${ip}`])),
    );
  ofFarm("remove-ip", "remove a public address that no contract uses")
    .argument("<ip>", "as `tfgrid farm ips` shows it")
    .action(action((context, id: string, ip: string) => change(context, id, "farmer", ({ id: farmId }) => [{ type: "farms.remove_ip", farmId, ip }, `farm ${farmId} no longer has ${ip}`])));
  addPricing(ofFarm("pricing", "what the farm's nodes cost, in percent of the ledger's prices; with an option: change it"), action);
  ofFarm("update", "another name, or another way to be used")
    .option("--name <name>", "a DNS label, unique on the grid")
    .addOption(new Option("--dedicated <yes|no>", "nodes are rented whole only").choices(["yes", "no"]))
    .action(action(update));
  ofFarm("certify", "say what a farm is (certifiers only)")
    .addArgument(new Argument("<certification>", "what it is").choices(CERTIFICATIONS))
    .action(
      action((context, id: string, certification: Farm["certification"]) =>
        change(context, id, "user", ({ id: farmId }) => [{ type: "farms.certify", farmId, certification }, `farm ${farmId} is ${certification.replaceAll("_", " ")}`]),
      ),
    );
  ofFarm("delete", "end a farm that has no nodes").action(
    action((context, id: string) => change(context, id, "farmer", ({ id: farmId, name }) => [{ type: "farms.delete", farmId }, `farm ${farmId} "${name}" is closed`])),
  );
}

/** What is not named stays as it is. */
async function update(context: Context, id: string, { name, dedicated }: { readonly name?: string; readonly dedicated?: "yes" | "no" }): Promise<void> {
  if (name === undefined && dedicated === undefined) throw cliErrors.fail("cli.bad_argument", { message: "Say what is to change: --name, --dedicated or both." });
  await change(context, id, "farmer", (farm) => {
    const next = { name: name ?? farm.name, dedicated: dedicated === undefined ? farm.dedicated : dedicated === "yes" };
    return [{ type: "farms.update", farmId: farm.id, ...next }, `farm ${farm.id} is "${next.name}"${next.dedicated ? ", rented whole only" : ""}`];
  });
}

const CERTIFICATIONS: readonly Farm["certification"][] = ["not_certified", "gold"];

interface Asked {
  readonly compute?: string;
  readonly ipv4?: string;
  readonly traffic?: string;
  readonly rentDiscount?: string;
  readonly ledger?: boolean;
}

function addPricing(command: Command, action: Action): void {
  command
    .option("--compute <percent>", "processors, memory and disks")
    .option("--ipv4 <percent>", "public addresses")
    .option("--traffic <percent>", "public traffic")
    .option("--rent-discount <percent>", "off a whole node, or `ledger` for the ledger's own")
    .option("--ledger", "back to the ledger's prices")
    .action(action(pricing));
}

/** What is not named stays as it is, or is announced to be. */
function termsFrom(farm: Farm, asked: Asked): chain.FarmTerms | null {
  if (asked.ledger === true) return null;
  const before = runtime.announcedTerms(farm);
  const percent = (text: string | undefined, otherwise: number): number => (text === undefined ? otherwise : parseCount(text, "percentage", [1, 1_000]));
  const discount = asked.rentDiscount;
  return {
    computePercent: percent(asked.compute, before.computePercent),
    ipv4Percent: percent(asked.ipv4, before.ipv4Percent),
    trafficPercent: percent(asked.traffic, before.trafficPercent),
    rentDiscountPercent: discount === undefined ? before.rentDiscountPercent : discount === "ledger" ? null : parseCount(discount, "percentage", [0, 100]),
  };
}

async function pricing(context: Context, id: string, asked: Asked): Promise<void> {
  const farm = await farmOf(context.chain(), id);
  if (Object.keys(asked).length === 0) {
    const range = (await context.chain().policy()).farmPricing;
    context.printer.result({ terms: runtime.termsAt(farm, Date.now()), next: farm.pricing?.next ?? null, range }, () => pricingLines(farm, range));
    return;
  }
  await send(context, {
    role: "farmer",
    calls: [{ type: "farms.set_pricing", farmId: farm.id, terms: termsFrom(farm, asked) }],
    say: ({ events }) => {
      const priced = events.find((event) => event.type === "farms.priced");
      return priced?.type === "farms.priced" ? `farm ${farm.id} asks for ${termsText(priced.terms)} from ${isoTime(priced.fromMs)} on` : `farm ${farm.id}: nothing changed`;
    },
  });
}

const termsText = ({ computePercent, ipv4Percent, trafficPercent, rentDiscountPercent }: chain.FarmTerms): string =>
  `${computePercent} % of the ledger's prices (addresses ${ipv4Percent} %, traffic ${trafficPercent} %), ${rentDiscountPercent === null ? "the ledger's discount" : `${rentDiscountPercent} %`} off a whole node`;

function pricingLines(farm: Farm, range: chain.Policy["farmPricing"]): string {
  const next = farm.pricing?.next ?? undefined;
  const pending = next !== undefined && next.fromMs > Date.now();
  return facts({
    now: termsText(runtime.termsAt(farm, Date.now())),
    announced: pending ? `${termsText(next.terms)} from ${isoTime(next.fromMs)} on` : undefined,
    allowed: `${range.minPercent} to ${range.maxPercent} %, at most ${range.maxRentDiscountPercent} % off a whole node; dearer after ${range.noticeMs / 3_600_000} hours`,
  });
}

type Made = readonly [call: Call, said: string];

async function change(context: Context, id: string, role: "user" | "farmer", make: (farm: Farm) => Made): Promise<void> {
  const [call, said] = make(await farmOf(context.chain(), id));
  await send(context, { role, calls: [call], say: () => said });
}

async function offer(context: Context, id: string, twin: string): Promise<void> {
  const to = twin === "nobody" ? null : parseId<TwinId>(twin, "twin id");
  await change(context, id, "farmer", ({ id: farmId }) => [
    { type: "farms.offer", farmId, to },
    to === null ? `farm ${farmId} is no longer offered` : `farm ${farmId} is offered to twin ${to}: it takes it with \`tfgrid farm accept ${farmId}\``,
  ]);
}

async function payout(context: Context, id: string, to: string): Promise<void> {
  const account = to === "owner" ? null : await accountOf(context.chain(), to);
  await change(context, id, "farmer", ({ id: farmId }) => [{ type: "farms.set_payout", farmId, account }, `what farm ${farmId} earns goes to ${account ?? "its owner"}`]);
}

async function listIps(context: Context, id: string): Promise<void> {
  const { publicIps } = await farmOf(context.chain(), id);
  context.printer.result(publicIps, () => table(["ADDRESS", "GATEWAY", "CONTRACT"], publicIps.map(({ ip, gateway, contractId }) => [ip, gateway, contractId === null ? "free" : String(contractId)])));
}
