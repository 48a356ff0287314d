/** What a farmer may do with a farm: hand it over, say who is paid, its public addresses, its end. */
import type { Command } from "commander";
import type { TwinId } from "@tfgrid/primitives";
import type { Call, Farm } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { table } from "../output/terminal.ts";
import { parseId } from "./arguments.ts";
import type { Action } from "./index.ts";
import { accountOf, farmOf, send } from "./ledger.ts";

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
  ofFarm("delete", "end a farm that has no nodes").action(
    action((context, id: string) => change(context, id, "farmer", ({ id: farmId, name }) => [{ type: "farms.delete", farmId }, `farm ${farmId} "${name}" is closed`])),
  );
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
