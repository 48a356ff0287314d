/** `governance`: proposals, votes by farms and by stake, vetoes, and what is in force. */
import type { Command } from "commander";
import { formatTft } from "@tfgrid/primitives";
import { type chain, type Farm, allRows } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { state, table } from "../output/terminal.ts";
import { found, parseId } from "./arguments.ts";
import { CHANGE_USAGES, changeInWords, parseChange } from "./governance-changes.ts";
import type { Action } from "./index.ts";
import { facts, farmOf, isoTime, parseCid, send } from "./ledger.ts";

type Proposal = chain.Proposal;
/** Both sides, farms and stake, weigh a million each. */
const ALL_POWER = 2_000_000;
const percent = (power: number): string => `${((power * 100) / ALL_POWER).toFixed(1)} %`;

export function addGovernanceCommands(program: Command, action: Action): void {
  const governance = program.command("governance").description("how the grid is governed: proposals, votes, parameters, offices");
  governance.command("list", { isDefault: true }).option("--all", "closed ones too").description("proposals").action(action(list));
  governance.command("show").argument("<proposal>", "proposal id").description("one proposal").action(action(show));
  governance
    .command("propose")
    .argument("<kind>", "what about")
    .argument("<words...>", "see below")
    .option("--document <cid>", "your reasons, in the digital notary")
    .addHelpText("after", `\nProposals:\n  ${CHANGE_USAGES.join("\n  ")}\n\nA deposit is held; it is lost when the vote finds no quorum.`)
    .description("propose a change")
    .action(action(propose));
  governance
    .command("vote")
    .argument("<proposal>", "proposal id")
    .argument("<yes|no>", "may be changed while the vote lasts")
    .option("--farm <farm>", "with the capacity of this farm of yours; without it with your stake")
    .description("vote")
    .action(action(vote));
  governance
    .command("veto")
    .argument("<proposal>", "proposal id")
    .option("--farm <farm>", "with the capacity of this farm of yours; without it with your stake")
    .description("stop what passed, while it is locked")
    .action(action(veto));
  governance.command("parameters").description("every number that may be changed, with its range").action(action(parameters));
  governance.command("offices").description("certifiers, feeders, validators, terms, operating system, upgrade").action(action(offices));
}

function proposalTable(rows: readonly Proposal[]): string {
  const cells = rows.map((row) => [
    String(row.id),
    state(row.state),
    changeInWords(row.change),
    `${percent(row.ayes)} (${row.ayeVoters} twins)`,
    percent(row.nays),
    row.state === "voting" ? `votes until ${isoTime(row.endsAtMs)}` : row.state === "passed" ? `locked until ${isoTime(row.executesAtMs)}` : "",
  ]);
  return table(["PROPOSAL", "STATE", "CHANGE", "FOR", "AGAINST", ""], cells);
}

async function list(context: Context, options: { readonly all?: boolean }): Promise<void> {
  const rows = await allRows<Proposal>((page) => context.chain().proposals(page));
  const shown = options.all === true ? rows : rows.filter(({ state: stage }) => stage === "voting" || stage === "passed");
  context.printer.result(shown, () => proposalTable(shown));
}

async function proposalOf(context: Context, text: string): Promise<Proposal> {
  return found(await context.chain().proposal(parseId<Proposal["id"]>(text, "proposal id")), `proposal ${text}`);
}

async function show(context: Context, id: string): Promise<void> {
  const row = await proposalOf(context, id);
  const { governance } = await context.chain().policy();
  context.printer.result(row, () =>
    [
      proposalTable([row]),
      facts({
        by: `twin ${row.proposerTwinId}`,
        reasons: row.document ?? "none given",
        deposit: `${formatTft(row.depositUnits)} TFT`,
        needs: `${governance.quorumPercent} % of all power, more for than against, ${governance.minVoters} different twins`,
        vetoes: `${percent(row.vetoes)} (${row.vetoVoters} twins) of ${governance.vetoPercent} % and ${governance.minVoters} twins`,
      }),
    ].join("\n\n"),
  );
}

async function propose(context: Context, kind: string, words: readonly string[], options: { readonly document?: string }): Promise<void> {
  const change = parseChange(kind, words);
  const document = options.document === undefined ? null : parseCid(options.document);
  const proposed = (events: readonly chain.ChainEvent[]) => events.find((event) => event.type === "governance.proposed");
  await send(context, {
    calls: [{ type: "governance.propose", change, document }],
    say: ({ events }) => {
      const event = proposed(events);
      return event?.type === "governance.proposed" ? `proposal ${event.proposalId} (${changeInWords(change)}): votes until ${isoTime(event.endsAtMs)}` : "proposed";
    },
    facts: ({ events }) => ({ proposalId: proposed(events)?.proposalId ?? null }),
  });
}

const farmIdOf = async (context: Context, farm: string | undefined): Promise<Farm["id"] | null> => (farm === undefined ? null : (await farmOf(context.chain(), farm)).id);

async function vote(context: Context, id: string, word: string, options: { readonly farm?: string }): Promise<void> {
  if (word !== "yes" && word !== "no") throw cliErrors.fail("cli.bad_argument", { message: `"${word}" is no vote: say yes or no.` });
  const [proposalId, farmId] = [parseId<Proposal["id"]>(id, "proposal id"), await farmIdOf(context, options.farm)];
  await send(context, {
    role: farmId === null ? "user" : "farmer",
    calls: [{ type: "governance.vote", proposalId, farmId, approve: word === "yes" }],
    say: ({ events }) => {
      const event = events.find(({ type }) => type === "governance.voted");
      return `voted ${word} with ${event?.type === "governance.voted" ? percent(event.power) : "your weight"} of all power`;
    },
  });
}

async function veto(context: Context, id: string, options: { readonly farm?: string }): Promise<void> {
  const [proposalId, farmId] = [parseId<Proposal["id"]>(id, "proposal id"), await farmIdOf(context, options.farm)];
  const calls = [{ type: "governance.veto" as const, proposalId, farmId }];
  await send(context, { role: farmId === null ? "user" : "farmer", calls, say: () => `vetoed proposal ${proposalId}` });
}

async function parameters(context: Context): Promise<void> {
  const rows = await context.chain().parameters();
  context.printer.result(rows, () => table(["PARAMETER", "VALUE", "FROM", "TO"], rows.map(({ name, value, min, max }) => [name, value, min, max].map(String))));
}

async function offices(context: Context): Promise<void> {
  const reader = context.chain();
  const [charter, set, misbehaviours] = await Promise.all([reader.charter(), reader.validatorSet(), allRows((page) => reader.misbehaviours(page))]);
  const accounts = (rows: readonly string[]): string => rows.map((account) => account.slice(0, 16)).join(", ") || "nobody";
  context.printer.result({ ...charter, validatorSet: set, misbehaviours }, () =>
    facts({
      certifiers: accounts(charter.certifiers),
      feeders: accounts(charter.feeders),
      validators: set.validators.map(({ publicKey, power }) => `${publicKey.slice(0, 16)}:${power}`).join(", ") || "the chain's one authority",
      caught: misbehaviours.length === 0 ? "nobody" : misbehaviours.map((row) => `${(row.publicKey ?? row.address).slice(0, 16)} (${row.kind}, height ${row.height})`).join(", "),
      terms: charter.terms === null ? "none" : `version ${charter.terms.version} (${charter.terms.document})`,
      "operating system": charter.osRelease === null ? "none chosen" : `${charter.osRelease.version} (${charter.osRelease.document})`,
      upgrade: charter.upgrade === null ? "none planned" : `state version ${charter.upgrade.stateVersion} at height ${charter.upgrade.atHeight}`,
    }),
  );
}
