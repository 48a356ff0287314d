/** `solution`: the smart contract for IT, from file to running architecture. */
import { type Command, InvalidArgumentError } from "commander";
import { parseTft } from "@tfgrid/primitives";
import type { SolutionDocument } from "@tfgrid/notary";
import { type Solution, allRows } from "@tfgrid/tfchain";
import { describePlan } from "@tfgrid/it-contract";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { contractTable, routeLines, solutionTable, zmachineTable } from "../output/describe.ts";
import { followLogs } from "../solution/logs.ts";
import { planDocument } from "../solution/plan.ts";
import { makeDocument, readDraft } from "../solution/prepare.ts";
import { type Actor, amendSolution, createSolution, findSolution, readDocument, signSolution } from "../solution/submit.ts";
import { watchSolution } from "../solution/watch.ts";
import type { Action } from "./index.ts";

interface WaitOptions {
  readonly wait: boolean;
  readonly timeout: number;
  readonly dryRun?: boolean;
}

export function addSolutionCommands(program: Command, action: Action): void {
  const command = program.command("solution").description("smart contracts for IT: Compose files that drive themselves");
  const change = (name: string, ...args: readonly string[]): Command => {
    const added = command.command(name);
    for (const argument of args) added.argument(argument);
    return added.option("--dry-run", "show the plan and change nothing").option("--no-wait", "return as soon as it is on the ledger").option("--timeout <seconds>", "patience for --wait", seconds, 180);
  };
  command.command("validate").argument("<file>").description("check a Compose file, offline").action(action(validate));
  command.command("plan").argument("<file>").description("placement and cost per hour, without changing anything").action(action(plan));
  change("deploy", "<file>").description("sign, anchor and start a solution").action(action(deploy));
  change("update", "<file>").description("a new version of a running solution, rolled out").action(action(update));
  change("scale", "<solution>", "<service=count...>").description("a new version with other replica counts").action(action(scale));
  change("cancel", "<solution>").description("end a solution: everything is torn down, the deposit returned").action(action(cancel));
  command.command("list").option("--all", "ended ones too").description("solutions on the ledger").action(action(list));
  command.command("status").argument("<solution>").description("zmachines, routes and money of a solution").action(action(status));
  command
    .command("logs")
    .argument("<solution>")
    .argument("[zmachine]", "one of them; all when omitted")
    .option("--follow", "go on until interrupted")
    .option("--tail <lines>", "lines from before", seconds, 100)
    .description("what zmachines print, straight from their 3Nodes")
    .action(action((context, name: string, zmachine: string | undefined, options: { follow?: boolean; tail: number }) => followLogs({ context, name, zmachine, follow: options.follow === true, tail: options.tail })));
  command.command("sign").argument("<solution>", "id").description("agree to a change that waits for signatures").action(action(sign));
  command.command("deposit").argument("<solution>").argument("<tft>").description("add to a solution's deposit").action(action(deposit));
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("A whole number is wanted.");
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
  if (solution !== undefined) throw cliErrors.fail("cli.bad_argument", { message: `You have a solution "${document.name}" already (${solution.state}): use \`tfgrid solution update ${file}\`.`, details: { solutionId: solution.id } });
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
  for (const service of wanted.keys()) {
    if (!before.services.some((entry) => entry.name === service)) throw cliErrors.fail("cli.not_found", { message: `Solution "${solution.name}" has no service ${service}.` });
  }
  const services = before.services.map((service) => ({ ...service, replicas: wanted.get(service.name) ?? service.replicas }));
  await amend(context, { actor, solution, document: { ...before, version: solution.version + 1, services }, options });
}

function parseCount(text: string): readonly [service: string, count: number] {
  const match = /^([a-z0-9-]+)=(\d{1,3})$/.exec(text);
  if (match === null) throw cliErrors.fail("cli.bad_argument", { message: `"${text}" is not SERVICE=COUNT.` });
  return [match[1] ?? "", Number(match[2])];
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
  if (solution.state === "failed") throw cliErrors.fail("cli.timeout", { message: `Solution "${solution.name}" failed: ${solution.note?.message ?? "no reason given"}`, details: { solutionId, code: solution.note?.code ?? "" } });
  return showStatus(context, solution);
}

function hasThreshold(solution: Solution): boolean {
  const { pending, signers, thresholds } = solution;
  if (pending === null) return true;
  const weight = signers.filter((signer) => pending.signedBy.includes(signer.twinId)).reduce((sum, signer) => sum + signer.weight, 0);
  const needed = pending.document === null ? thresholds.delete : solution.version === 0 ? thresholds.provision : thresholds.amend;
  return weight >= needed;
}

async function cancel(context: Context, name: string, options: WaitOptions): Promise<void> {
  const { keyPair } = await context.identity();
  const solution = await findSolution(context, name);
  if (options.dryRun === true) return context.printer.result({ dryRun: true, parts: solution.parts }, () => `dry run: ${solution.parts.length} contracts would end`);
  const receipt = await context.chain().submit(keyPair, [{ type: "solutions.cancel", solutionId: solution.id }]);
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

async function sign(context: Context, name: string): Promise<void> {
  const solution = await findSolution(context, name);
  const receipt = await signSolution(context, await context.identity(), solution);
  context.printer.result(receipt, () => receipt.events.map((event) => event.type).join(", "));
}

async function deposit(context: Context, name: string, amount: string): Promise<void> {
  const amountUnits = parseTft(amount);
  if (amountUnits === undefined || amountUnits === 0n) throw cliErrors.fail("cli.bad_argument", { message: `${amount} is not an amount of TFT (for example 12.5).` });
  const { keyPair } = await context.identity();
  const solution = await findSolution(context, name);
  const receipt = await context.chain().submit(keyPair, [{ type: "solutions.deposit", solutionId: solution.id, amountUnits }]);
  context.printer.result(receipt, () => `deposited ${amount} TFT with solution "${solution.name}"`);
}
