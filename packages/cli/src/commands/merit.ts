/** `reputation`, `rewards`, `price`: what others are worth, what farmers earn, what TFT counts. */
import type { Command } from "commander";
import { type ContractId, type NodeId, formatTft } from "@tfgrid/primitives";
import { type chain, allRows } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { duration, table } from "../output/terminal.ts";
import { parseId } from "./arguments.ts";
import type { Action } from "./index.ts";
import { facts, formatUsd, isoTime, parseCid, parseCount, send } from "./ledger.ts";

const MICRO = 1_000_000;
const KINDS = ["node", "farm", "twin"] as const;

export function addMeritCommands(program: Command, action: Action): void {
  const reputation = program.command("reputation").description("how nodes, farms and twins have done, by evidence on the ledger");
  reputation.command("show").argument("<kind>", "node, farm or twin").argument("<id>", "id of the node, farm or twin").description("score, confidence and the evidence behind them").action(action(showReputation));
  reputation.command("list").description("all nodes by score").action(action(listReputation));
  reputation
    .command("review")
    .argument("<contract>", "a contract that you paid for")
    .argument("<score>", "0 to 100")
    .description("say how content you are; it weighs what you have paid since your last word")
    .action(action(review));
  reputation.command("disputes").description("what payers complained of, and what certifiers decided").action(action(listDisputes));
  reputation
    .command("dispute")
    .argument("<contract>", "a contract that you paid for")
    .option("--document <cid>", "your reasons, in the digital notary")
    .description("say, once, that you did not get what you paid for; it counts against you when it is rejected")
    .action(action(openDispute));
  reputation.command("resolve").argument("<dispute>", "dispute id").argument("<upheld|rejected>", "who was right: upheld, the one who complained").description("decide a dispute (certifiers only)").action(action(resolveDispute));
  program.command("rewards").description("farming rewards").command("show").argument("<node>", "node id").description("what a node earned by period, with every figure behind it").action(action(showRewards));
  const price = program.command("price").description("what 1 TFT counts in US dollars");
  price.command("show", { isDefault: true }).description("the price, its feeders, and what things cost").action(action(showPrice));
  price.command("feed").argument("<usd>", "price of 1 TFT in US dollars").description("say the price (feeders only)").action(action(feed));
}

/** @throws GridError cli.bad_argument */
function subjectOf(kind: string, text: string): chain.ReputationSubject {
  if (!KINDS.some((known) => known === kind)) throw cliErrors.fail("cli.bad_argument", { message: `"${kind}" has no reputation: ${KINDS.join(", ")} have.` });
  const id = parseId<never>(text, `${kind} id`);
  if (kind === "node") return { nodeId: id };
  return kind === "farm" ? { farmId: id } : { twinId: id };
}

async function showReputation(context: Context, kind: string, id: string): Promise<void> {
  const subject = subjectOf(kind, id);
  const { score, confidence, evidence } = await context.chain().reputation(subject);
  context.printer.result({ ...subject, score, confidence, evidence }, () =>
    facts({
      score: `${score} of 1000 (500 says nothing)`,
      confidence: `${confidence} of 1000`,
      up: duration(evidence.upMs),
      down: `${duration(evidence.downMs)}, and ${duration(evidence.announcedDownMs)} announced`,
      contracts: `${formatTft(evidence.fulfilledUnits)} TFT fulfilled, ${formatTft(evidence.failedUnits)} TFT failed`,
      reviews: `${formatTft(evidence.praisedUnits)} of ${formatTft(evidence.reviewedUnits)} TFT content`,
      violations: evidence.violationsMilli / 1_000,
      "disputes lost": evidence.disputesMilli / 1_000,
    }),
  );
}

async function listReputation(context: Context): Promise<void> {
  const nodes = await allRows((page) => context.chain().nodes(page));
  const rated = await Promise.all(nodes.map(async ({ id, farmId }) => ({ nodeId: id, farmId, ...(await context.chain().reputation({ nodeId: id })) })));
  const rows = rated.toSorted((a, b) => b.score - a.score || a.nodeId - b.nodeId);
  context.printer.result(rows, () => table(["NODE", "FARM", "SCORE", "CONFIDENCE"], rows.map((row) => [row.nodeId, row.farmId, row.score, row.confidence].map(String))));
}

async function review(context: Context, contract: string, text: string): Promise<void> {
  const [contractId, score] = [parseId<ContractId>(contract, "contract id"), parseCount(text, "score", [0, 100])];
  await send(context, { calls: [{ type: "reputation.review", contractId, score }], say: () => `contract ${contractId}: ${score} of 100` });
}

async function listDisputes(context: Context): Promise<void> {
  const rows = await allRows<chain.Dispute>((page) => context.chain().disputes(page));
  const cells = rows.map((row) => [row.id, row.state, row.contractId, row.nodeId, row.byTwinId, formatTft(row.atStakeUnits), `${row.upheldBy.length} : ${row.rejectedBy.length}`].map(String));
  context.printer.result(rows, () => table(["DISPUTE", "STATE", "CONTRACT", "NODE", "BY TWIN", "TFT PAID", "FOR : AGAINST"], cells));
}

async function openDispute(context: Context, contract: string, options: { readonly document?: string }): Promise<void> {
  const contractId = parseId<ContractId>(contract, "contract id");
  const document = options.document === undefined ? null : parseCid(options.document);
  await send(context, { calls: [{ type: "reputation.dispute", contractId, document }], say: () => `contract ${contractId} is disputed: certifiers decide` });
}

async function resolveDispute(context: Context, id: string, word: string): Promise<void> {
  if (word !== "upheld" && word !== "rejected") throw cliErrors.fail("cli.bad_argument", { message: `"${word}" decides nothing: say upheld or rejected.` });
  const disputeId = parseId<chain.DisputeId>(id, "dispute id");
  await send(context, { calls: [{ type: "reputation.resolve", disputeId, upheld: word === "upheld" }], say: () => `you say that dispute ${disputeId} is ${word}` });
}

async function showRewards(context: Context, node: string): Promise<void> {
  const receipts = await context.chain().rewards(parseId<NodeId>(node, "node id"));
  const rows = receipts.map((row) => [
    String(row.period),
    isoTime(row.toMs),
    `${row.uptimePermille / 10} %`,
    String(Number(row.cuMicro) / MICRO),
    String(Number(row.suMicro) / MICRO),
    row.outcome,
    `${formatTft(row.amountUnits)} TFT`,
    row.account.slice(0, 8),
  ]);
  context.printer.result(receipts, () => table(["PERIOD", "UNTIL", "UPTIME", "CU", "SU", "OUTCOME", "REWARD", "TO"], rows));
}

async function showPrice(context: Context): Promise<void> {
  const [price, pricing] = await Promise.all([context.chain().price(), context.chain().pricing()]);
  const feeds = price.feeds.map((row) => [row.account.slice(0, 16), formatUsd(row.tftPriceMicroUsd), isoTime(row.atMs)]);
  context.printer.result({ ...price, pricing }, () =>
    [
      facts({
        "1 TFT": `${formatUsd(price.tftPriceMicroUsd)}${price.stale ? " (stale: its feeders are silent)" : ""}`,
        CU: `${formatUsd(pricing.cuMicroUsdPerHour)}/h`,
        SU: `${formatUsd(pricing.suMicroUsdPerHour)}/h`,
        NU: `${formatUsd(pricing.nuMicroUsdPerGb)} for 10^9 bytes`,
        IPv4: `${formatUsd(pricing.ipv4MicroUsdPerHour)}/h`,
        name: `${formatUsd(pricing.nameMicroUsdPerHour)}/h`,
      }),
      ...(feeds.length === 0 ? [] : [table(["FEEDER", "SAYS", "AT"], feeds)]),
    ].join("\n\n"),
  );
}

async function feed(context: Context, usd: string): Promise<void> {
  const micro = Math.round(Number(usd) * MICRO);
  if (!/^\d{1,4}(\.\d{1,6})?$/.test(usd) || micro < 1) throw cliErrors.fail("cli.bad_argument", { message: `"${usd}" is no price: US dollars with up to six decimals are wanted (for example 0.08).` });
  await send(context, { calls: [{ type: "pricing.feed", tftPriceMicroUsd: micro }], say: () => `you say that 1 TFT is ${formatUsd(micro)}` });
}
