/** `stake`: TFT that you lock for a discount on all your bills, and that votes. */
import type { Command } from "commander";
import { formatTft } from "@tfgrid/primitives";
import { type chain, runtime } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { duration, table } from "../output/terminal.ts";
import type { Action } from "./index.ts";
import { facts, isoTime, parseAmount, parseCount, send } from "./ledger.ts";

const MAX_LEVEL = 7;

export function addStakeCommands(program: Command, action: Action): void {
  const stake = program.command("stake").description("TFT that you lock: a discount on your bills, and a voice in votes");
  stake.command("show", { isDefault: true }).description("your stake, what it takes off your bills, and the levels").action(action(show));
  stake
    .command("add")
    .argument("<tft>", "amount in TFT; 0 only prolongs")
    .option("--level <number>", "see `tfgrid stake show`; the lock counts from now", "0")
    .description("lock TFT (more, or for longer)")
    .action(
      action(async (context, tft: string, options: { readonly level: string }) => {
        const amountUnits = parseAmount(tft, 0);
        const level = parseCount(options.level, "stake level", [0, MAX_LEVEL]);
        await send(context, {
          calls: [{ type: "accounts.stake", amountUnits, level }],
          say: ({ events }) => {
            const staked = events.find((event) => event.type === "accounts.staked");
            return staked?.type === "accounts.staked" ? `${formatTft(staked.amountUnits)} TFT are locked until ${isoTime(staked.unlocksAtMs)}` : "staked";
          },
        });
      }),
    );
  stake.command("withdraw").description("take all of it back, once it has unlocked").action(
    action(async (context) => {
      await send(context, { calls: [{ type: "accounts.unstake" }], say: () => "the stake is yours again" });
    }),
  );
}

async function show(context: Context): Promise<void> {
  const { twinId } = await context.identity();
  const reader = context.chain();
  const [stake, discount, policy] = await Promise.all([reader.stake(twinId), reader.discount(twinId), reader.policy()]);
  const { levels, monthMs } = policy.stake;
  const rows = levels.map((level, index) => levelRow({ level, index, monthMs, spendPerHourUnits: discount.spendPerHourUnits }));
  context.printer.result({ twinId, stake: stake ?? null, discount, levels }, () =>
    [
      facts({
        twin: twinId,
        staked: stake === undefined ? "nothing" : `${formatTft(stake.amountUnits)} TFT, level ${stake.level}, locked until ${isoTime(stake.unlocksAtMs)}`,
        discount: `${discount.percent} % of ${formatTft(discount.spendPerHourUnits)} TFT/h that you spend`,
      }),
      table(["LEVEL", "LOCK", "DISCOUNT", "NEEDED NOW"], rows),
    ].join("\n\n"),
  );
}

function levelRow(options: { readonly level: chain.Policy["stake"]["levels"][number]; readonly index: number; readonly monthMs: number; readonly spendPerHourUnits: bigint }): string[] {
  const { level, index, monthMs, spendPerHourUnits } = options;
  const lockMs = Math.floor((level.halfMonths * monthMs) / 2);
  const needed = runtime.coverUnits(spendPerHourUnits, level.halfMonths, monthMs);
  return [String(index), duration(lockMs), `${level.discountPercent} %`, `${formatTft(needed)} TFT`];
}
