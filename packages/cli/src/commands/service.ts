/** `service`: contracts between two twins about work outside the grid's own resources. */
import type { Command } from "commander";
import { type TwinId, formatTft } from "@tfgrid/primitives";
import { type chain, allRows } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { state, table } from "../output/terminal.ts";
import { found, parseId } from "./arguments.ts";
import type { Action } from "./index.ts";
import { facts, isoTime, parseAmount, send } from "./ledger.ts";

type Service = chain.Service;
interface Fees {
  readonly base: string;
  readonly variable: string;
  readonly note: string;
}

export function addServiceCommands(program: Command, action: Action): void {
  const service = program.command("service").description("contracts between two twins: a base fee by the hour and a variable one");
  service.command("list").option("--all", "ended ones and those of others, too").description("your service contracts").action(action(list));
  service.command("show").argument("<service>", "service contract id").description("one service contract").action(action(show));
  withFees(service.command("create").argument("<twin>", "the other side"))
    .option("--as-service", "you work and are paid; without it you are the consumer")
    .description("propose a contract; it binds once both have approved")
    .action(action(create));
  withFees(service.command("update").argument("<service>", "service contract id")).description("other fees, before both have approved (by the service)").action(action(update));
  const simple = (name: "approve" | "cancel", description: string): void =>
    void service.command(name).argument("<service>", "service contract id").description(description).action(action((context, id: string) => (name === "approve" ? approve(context, id) : cancel(context, id))));
  simple("approve", "agree to the fees as they are now");
  service.command("deposit").argument("<service>", "service contract id").argument("<tft>", "amount in TFT").description("prepay for the consumer").action(action(deposit));
  service
    .command("bill")
    .argument("<service>", "service contract id")
    .option("--variable <tft>", "beside the base fee, within the agreed bound", "0")
    .description("bill the time since the last bill, an hour at most (by the service)")
    .action(action(bill));
  simple("cancel", "end it; the time since the last bill is paid, the rest of the deposit returned");
}

const withFees = (command: Command): Command =>
  command
    .option("--base <tft>", "base fee in TFT an hour", "0")
    .option("--variable <tft>", "most that may be billed beside it, in TFT an hour", "0")
    .option("--note <text>", "what it is about", "");

const feesOf = ({ base, variable, note }: Fees) => ({ baseUnitsPerHour: parseAmount(base, 0), variableUnitsPerHour: parseAmount(variable, 0), metadata: note });

function serviceTable(rows: readonly Service[]): string {
  const cells = rows.map((row) => [
    String(row.id),
    state(row.state),
    `twin ${row.serviceTwinId}`,
    `twin ${row.consumerTwinId}`,
    `${formatTft(row.baseUnitsPerHour)} + ${formatTft(row.variableUnitsPerHour)}`,
    formatTft(row.escrowUnits),
    formatTft(row.billedUnits),
    row.metadata,
  ]);
  return table(["SERVICE", "STATE", "WORKS", "PAYS", "TFT/H", "DEPOSIT", "BILLED", "ABOUT"], cells);
}

async function list(context: Context, options: { readonly all?: boolean }): Promise<void> {
  const rows = await allRows<Service>((page) => context.chain().services(page));
  const { twinId } = options.all === true ? { twinId: undefined } : await context.identity();
  const own = rows.filter((row) => twinId === undefined || (row.state !== "ended" && (row.serviceTwinId === twinId || row.consumerTwinId === twinId)));
  context.printer.result(own, () => serviceTable(own));
}

async function serviceOf(context: Context, text: string): Promise<Service> {
  return found(await context.chain().service(parseId<Service["id"]>(text, "service contract id")), `service contract ${text}`);
}

async function show(context: Context, id: string): Promise<void> {
  const row = await serviceOf(context, id);
  const approved = row.approvedBy.length === 0 ? "nobody yet" : row.approvedBy.map((twin) => `twin ${twin}`).join(", ");
  context.printer.result(row, () => `${serviceTable([row])}\n\n${facts({ version: row.version, approved, "billed to": isoTime(row.billedToMs), ended: row.endedCause ?? undefined })}`);
}

async function create(context: Context, other: string, options: Fees & { readonly asService?: boolean }): Promise<void> {
  const { twinId } = await context.identity();
  const otherId = parseId<TwinId>(other, "twin id");
  if (otherId === twinId) throw cliErrors.fail("cli.bad_argument", { message: `Twin ${twinId} is yourself: a service contract has two sides.` });
  const [serviceTwinId, consumerTwinId] = options.asService === true ? [twinId, otherId] : [otherId, twinId];
  await send(context, {
    calls: [{ type: "services.create", serviceTwinId, consumerTwinId, ...feesOf(options) }],
    say: ({ events }) => `service contract ${createdId(events) ?? "?"} is proposed: both sides approve it with \`tfgrid service approve\``,
    facts: ({ events }) => ({ serviceId: createdId(events) ?? null }),
  });
}

function createdId(events: readonly chain.ChainEvent[]): number | undefined {
  const event = events.find(({ type }) => type === "services.created");
  return event?.type === "services.created" ? event.serviceId : undefined;
}

async function update(context: Context, id: string, options: Fees): Promise<void> {
  const serviceId = parseId<Service["id"]>(id, "service contract id");
  await send(context, { calls: [{ type: "services.update", serviceId, ...feesOf(options) }], say: () => `service contract ${id} has new fees: both sides approve it anew` });
}

/** Of exactly what is shown now: when the fees change meanwhile, the ledger refuses. */
async function approve(context: Context, id: string): Promise<void> {
  const { id: serviceId, version } = await serviceOf(context, id);
  await send(context, {
    calls: [{ type: "services.approve", serviceId, version }],
    say: ({ events }) => (events.some(({ type }) => type === "services.agreed") ? `both sides agreed to service contract ${id}` : `you approved service contract ${id}; the other side has not yet`),
  });
}

async function deposit(context: Context, id: string, tft: string): Promise<void> {
  const [serviceId, amountUnits] = [parseId<Service["id"]>(id, "service contract id"), parseAmount(tft)];
  await send(context, { calls: [{ type: "services.deposit", serviceId, amountUnits }], say: () => `${formatTft(amountUnits)} TFT are deposited for service contract ${id}` });
}

async function bill(context: Context, id: string, options: { readonly variable: string }): Promise<void> {
  const [serviceId, variableUnits] = [parseId<Service["id"]>(id, "service contract id"), parseAmount(options.variable, 0)];
  await send(context, {
    calls: [{ type: "services.bill", serviceId, variableUnits }],
    say: ({ events }) => {
      const billed = events.find(({ type }) => type === "services.billed");
      return billed?.type === "services.billed" ? `${formatTft(billed.amountUnits)} TFT paid for ${isoTime(billed.fromMs)} to ${isoTime(billed.toMs)}` : "billed";
    },
  });
}

async function cancel(context: Context, id: string): Promise<void> {
  const serviceId = parseId<Service["id"]>(id, "service contract id");
  await send(context, {
    calls: [{ type: "services.cancel", serviceId }],
    say: ({ events }) => {
      const ended = events.find(({ type }) => type === "services.ended");
      return `service contract ${id} has ended; ${formatTft(ended?.type === "services.ended" ? ended.refundedUnits : 0n)} TFT came back to the consumer`;
    },
  });
}
