/** `solution`: the smart contract for IT, from file to running architecture. */
import { type Command, InvalidArgumentError } from "commander";
import { formatTft, parseTft } from "@tfgrid/primitives";
import { type SolutionDocument, documents } from "@tfgrid/notary";
import { type Solution, allRows } from "@tfgrid/tfchain";
import { describePlan } from "@tfgrid/it-contract";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { contractTable, routeLines, solutionTable, zmachineTable } from "../output/describe.ts";
import { followLogs } from "../solution/logs.ts";
import { planDocument } from "../solution/plan.ts";
import { makeDocument, readDraft } from "../solution/prepare.ts";
import { type Actor, amendSolution, createSolution, findSolution, pendingOf, readDocument, signPending } from "../solution/submit.ts";
import { watchSolution } from "../solution/watch.ts";
import type { Action } from "./index.ts";

interface WaitOptions {
  readonly wait: boolean;
  readonly timeout: number;
  readonly dryRun?: boolean;
}

export function addSolutionCommands(program: Command, action: Action): void {
  const command = program.command("solution").description("smart contracts for IT: Compose files that drive themselves");
  const patient = (added: Command): Command =>
    withDryRun(added).option("--no-wait", "return as soon as it is on the ledger").option("--timeout <seconds>", "how long to wait until it runs", wholeNumber, 180);
  const withDryRun = (added: Command): Command => added.option("--dry-run", "show what would change, and change nothing");
  const ofFile = (name: string): Command => command.command(name).argument("<file>", "Compose file");
  const ofSolution = (name: string): Command => command.command(name).argument("<solution>", "name or id");
  ofFile("validate").description("check a Compose file, offline").action(action(validate));
  ofFile("plan").description("placement and cost per hour, without changing anything").action(action(plan));
  patient(ofFile("deploy")).description("sign, anchor and start a solution").action(action(deploy));
  patient(ofFile("update")).description("a new version of a running solution, rolled out").action(action(update));
  patient(ofSolution("scale").argument("<service=count...>", "replicas wanted, for example web=3")).description("a new version with other replica counts").action(action(scale));
  withDryRun(ofSolution("cancel")).description("end a solution: everything is torn down, the deposit returned").action(action(cancel));
  command.command("list").option("--all", "ended ones too").description("solutions on the ledger").action(action(list));
  ofSolution("status").description("zmachines, routes and money of a solution").action(action(status));
  ofSolution("logs")
    .argument("[zmachine]", "one of them; all when omitted")
    .option("--follow", "go on until interrupted")
    .option("--tail <lines>", "lines from before", wholeNumber, 100)
    .description("what zmachines print, straight from their 3Nodes")
    .action(action((context, name: string, zmachine: string | undefined, options: { follow?: boolean; tail: number }) => followLogs({ context, name, zmachine, follow: options.follow === true, tail: options.tail })));
  withDryRun(command.command("sign").argument("<solution>", "id")).description("agree to a change that waits for signatures; shows it first").action(action(sign));
  ofSolution("deposit").argument("<tft>", "amount in TFT").description("add to a solution's deposit").action(action(deposit));
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("A whole number is wanted.");
  return value;
}

async function validate(context: Context, file: string): Promise<void> {
  const draft = await readDraft(file, context.printer.progress);
  const services = draft.services.map((service) => ({ name: service.name, image: service.imageReference, replicas: service.replicas }));
  context.printer.result({ valid: true, name: draft.name, services }, () => `${file} is valid: ${services.map((service) => `${service.name} x${service.replicas}`).join(", ")}`);
}

async function plan(context: Context, file: string): Promise<void> {
  const { document, solution } = await documentFor(context, await context.identity(), file);
  const made = await planDocument({ chain: context.chain(), notary: context.notary(), actor: await context.identity(), document, solution });
  context.printer.result(made, () => describePlan(made).join("\n"));
}

/** The document of a file: version 1, or the next version of the actor's running solution of that name. */
async function documentFor(context: Context, actor: Actor, file: string): Promise<{ readonly document: SolutionDocument; readonly solution: Solution | undefined; readonly depositUnits: bigint | undefined }> {
  const draft = await readDraft(file, context.printer.progress);
  const solution = await context.chain().solutionByName(actor.twinId, draft.name);
  const document = await makeDocument({ draft, version: (solution?.version ?? 0) + 1, ownerTwinId: actor.twinId, chain: context.chain(), endpoints: context.endpoints(), signal: context.signal });
  return { document, solution, depositUnits: draft.depositUnits };
}

async function deploy(context: Context, file: string, options: WaitOptions): Promise<void> {
  const actor = await context.identity();
  const { document, solution, depositUnits } = await documentFor(context, actor, file);
  if (solution !== undefined) throw cliErrors.fail("cli.already_exists", { message: `You have a solution "${document.name}" already (${solution.state}): use \`tfgrid solution update ${file}\`.`, details: { solutionId: solution.id } });
  const made = await planDocument({ chain: context.chain(), notary: context.notary(), actor, document, solution });
  context.printer.progress(describePlan(made).join("\n"));
  if (options.dryRun === true) return context.printer.result({ dryRun: true, plan: made }, () => "dry run: nothing was changed");
  const { solutionId, receipt } = await createSolution({ context, actor, document, depositUnits });
  return finish(context, { solutionId, from: receipt.height, version: 1, options });
}

async function update(context: Context, file: string, options: WaitOptions): Promise<void> {
  const actor = await context.identity();
  const { document, solution } = await documentFor(context, actor, file);
  if (solution === undefined) throw cliErrors.fail("cli.not_found", { message: `You have no running solution "${document.name}": use \`tfgrid solution deploy ${file}\`.` });
  await amend(context, { actor, solution, document, options });
}

async function scale(context: Context, name: string, counts: readonly string[], options: WaitOptions): Promise<void> {
  const actor = await context.identity();
  const solution = await findSolution(context, name);
  const before = await readDocument(context, actor, solution);
  const wanted = new Map(counts.map(parseCount));
  if (wanted.size < counts.length) throw cliErrors.fail("cli.bad_argument", { message: "A service is named twice: give each one count." });
  const names = before.services.map((entry) => entry.name);
  for (const service of wanted.keys()) {
    if (!names.includes(service)) throw cliErrors.fail("cli.bad_argument", { message: `Solution "${solution.name}" has no service ${service}; it has ${names.join(", ")}.` });
  }
  const services = before.services.map((service) => ({ ...service, replicas: wanted.get(service.name) ?? service.replicas }));
  await amend(context, { actor, solution, document: { ...before, version: solution.version + 1, services }, options });
}

function parseCount(text: string): readonly [service: string, count: number] {
  const [, service, count] = /^([a-z0-9-]+)=(\d{1,3})$/.exec(text) ?? [];
  const most = documents.DOCUMENT_LIMITS.replicasPerService;
  if (service !== undefined && Number(count) <= most) return [service, Number(count)];
  throw cliErrors.fail("cli.bad_argument", { message: `"${text}" is not SERVICE=COUNT with a count of 0 to ${most}.` });
}

async function amend(context: Context, change: { readonly actor: Actor; readonly solution: Solution; readonly document: SolutionDocument; readonly options: WaitOptions }): Promise<void> {
  const { actor, solution, document, options } = change;
  const made = await planDocument({ chain: context.chain(), notary: context.notary(), actor, document, solution });
  context.printer.progress(describePlan(made).join("\n"));
  if (options.dryRun === true) return context.printer.result({ dryRun: true, plan: made }, () => "dry run: nothing was changed");
  const receipt = await amendSolution({ context, actor, solution, document });
  return finish(context, { solutionId: solution.id, from: receipt.height, version: document.version, options });
}

interface FinishOptions {
  readonly solutionId: Solution["id"];
  readonly from: Parameters<typeof watchSolution>[0]["from"];
  readonly version: number;
  readonly options: WaitOptions;
}

async function finish(context: Context, { solutionId, from, version, options }: FinishOptions): Promise<void> {
  if (!options.wait) {
    const solution = await context.chain().solution(solutionId);
    return context.printer.result(solution, () => `solution ${solutionId} is ${solution?.state}; follow it with \`tfgrid solution status ${solutionId}\``);
  }
  const done = (solution: Solution): boolean => solution.state === "cancelled" || (solution.version >= version && (solution.state === "running" || solution.state === "failed")) || (solution.pending !== null && solution.pending.signedBy.length > 0 && !hasThreshold(solution));
  const solution = await watchSolution({ context, solutionId, from, timeoutMs: options.timeout * 1000, done });
  if (solution.state === "failed") throw cliErrors.fail("cli.solution_failed", { message: `Solution "${solution.name}" failed: ${solution.note?.message ?? "no reason given"}`, details: { solutionId, code: solution.note?.code ?? "" } });
  return showStatus(context, solution);
}

function hasThreshold(solution: Solution): boolean {
  const { pending, signers, thresholds } = solution;
  if (pending === null) return true;
  const weight = signers.filter((signer) => pending.signedBy.includes(signer.twinId)).reduce((sum, signer) => sum + signer.weight, 0);
  const needed = pending.document === null ? thresholds.delete : solution.version === 0 ? thresholds.provision : thresholds.amend;
  return weight >= needed;
}

async function cancel(context: Context, name: string, options: Pick<WaitOptions, "dryRun">): Promise<void> {
  const { keyPair } = await context.identity();
  const solution = await findSolution(context, name);
  if (options.dryRun === true) return context.printer.result({ dryRun: true, parts: solution.parts }, () => `dry run: ${solution.parts.length} contracts would end`);
  const receipt = await context.chain().submit(keyPair, [{ type: "solutions.cancel", solutionId: solution.id }], { signal: context.signal });
  const after = await context.chain().solution(solution.id);
  return context.printer.result({ solutionId: solution.id, state: after?.state, events: receipt.events }, () => (after?.state === "cancelled" ? `solution "${solution.name}" is cancelled; its deposit is back in your account` : `cancelling "${solution.name}" waits for other signers`));
}

async function list(context: Context, options: { readonly all?: boolean }): Promise<void> {
  const all = await allRows((page) => context.chain().solutions(page));
  const shown = all.filter((solution) => options.all === true || solution.state !== "cancelled");
  context.printer.result(shown, () => solutionTable(shown));
}

async function status(context: Context, name: string): Promise<void> {
  await showStatus(context, await findSolution(context, name));
}

async function showStatus(context: Context, solution: Solution): Promise<void> {
  const contracts = await allRows((page) => context.chain().contracts({ ...page, solutionId: solution.id, active: true }));
  context.printer.result({ ...solution, contracts }, () => [solutionTable([solution]), "", zmachineTable(contracts, Date.now()), "", contractTable(contracts), "", ...routeLines(contracts)].join("\n"));
}

async function sign(context: Context, name: string, options: Pick<WaitOptions, "dryRun">): Promise<void> {
  const actor = await context.identity();
  const solution = await findSolution(context, name);
  const pending = pendingOf(solution);
  const document = pending.document === null ? undefined : await readDocument(context, actor, { id: solution.id, document: pending.document });
  context.printer.progress(pendingLines(solution, document).join("\n"));
  if (options.dryRun === true) return context.printer.result({ dryRun: true, pending, document: document ?? null }, () => "dry run: nothing was signed");
  const receipt = await signPending({ context, actor, solution, pending });
  context.printer.result(receipt, () => receipt.events.map((event) => event.type).join(", "));
}

/** What a signature agrees to: nobody signs what he has not seen. */
function pendingLines({ name, pending }: Solution, document: SolutionDocument | undefined): readonly string[] {
  if (document === undefined) return [`end of "${name}": everything is torn down, the deposit returned`];
  return [
    `"${name}", version ${document.version}, at most ${formatTft(document.budgetPerHourUnits)} TFT/h, document ${pending?.document ?? ""}`,
    ...document.services.map((service) => `  ${service.name} x${service.replicas}  ${service.image.reference}@${service.image.digest}`),
  ];
}

async function deposit(context: Context, name: string, amount: string): Promise<void> {
  const amountUnits = parseTft(amount);
  if (amountUnits === undefined || amountUnits === 0n) throw cliErrors.fail("cli.bad_argument", { message: `${amount} is not an amount of TFT (for example 12.5).` });
  const { keyPair } = await context.identity();
  const solution = await findSolution(context, name);
  const receipt = await context.chain().submit(keyPair, [{ type: "solutions.deposit", solutionId: solution.id, amountUnits }], { signal: context.signal });
  context.printer.result(receipt, () => `deposited ${amount} TFT with solution "${solution.name}"`);
}
