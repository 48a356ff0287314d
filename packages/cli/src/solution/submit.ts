/** Puts a document into the notary and its contract on the ledger; signs, changes and ends solutions. */
import { type CidText, type KeyPair, type SolutionId, type TwinId, formatTft } from "@tfgrid/primitives";
import { type SolutionDocument, documents } from "@tfgrid/notary";
import type { Receipt, Solution } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { parseSolution } from "./document.ts";

export interface Actor {
  readonly keyPair: KeyPair;
  readonly twinId: TwinId;
}

/** Prepaid when the file names no deposit: a day of the budget. */
const DEFAULT_DEPOSIT_HOURS = 24n;

export interface CreateOptions {
  readonly context: Context;
  readonly actor: Actor;
  readonly document: SolutionDocument;
  readonly depositUnits: bigint | undefined;
}

export async function createSolution(options: CreateOptions): Promise<{ readonly solutionId: SolutionId; readonly receipt: Receipt }> {
  const { context, actor, document } = options;
  const cid = await putDocument(context, actor, document);
  const depositUnits = options.depositUnits ?? document.budgetPerHourUnits * DEFAULT_DEPOSIT_HOURS;
  const receipt = await context.chain().submit(actor.keyPair, [
    {
      type: "solutions.create",
      name: document.name,
      document: cid,
      agentTwinId: document.agentTwinId,
      signers: document.signers,
      thresholds: document.thresholds,
      budgetPerHourUnits: document.budgetPerHourUnits,
      depositUnits,
    },
    { type: "notary.anchor", document: cid, contractId: null, solutionId: null },
  ], { signal: context.signal });
  const created = receipt.events.find((event) => event.type === "solutions.created");
  if (created?.type !== "solutions.created") throw new Error("solutions.create emitted no solutions.created");
  context.printer.progress(`solution ${created.solutionId} is on the ledger at height ${receipt.height}; deposit ${formatTft(depositUnits)} TFT, fee ${formatTft(receipt.feeUnits)} TFT`);
  return { solutionId: created.solutionId, receipt };
}

export async function amendSolution(options: { readonly context: Context; readonly actor: Actor; readonly solution: Solution; readonly document: SolutionDocument }): Promise<Receipt> {
  const { context, actor, solution, document } = options;
  const cid = await putDocument(context, actor, document);
  return context.chain().submit(actor.keyPair, [
    { type: "solutions.amend", solutionId: solution.id, version: document.version, document: cid, budgetPerHourUnits: document.budgetPerHourUnits },
    { type: "notary.anchor", document: cid, contractId: null, solutionId: solution.id },
  ], { signal: context.signal });
}

async function putDocument(context: Context, actor: Actor, document: SolutionDocument): Promise<CidText> {
  const readers = [...new Set([document.agentTwinId, ...document.signers.map((signer) => signer.twinId)])].filter((twinId) => twinId !== actor.twinId);
  return context.notary().put({ schema: documents.solutionDocument, value: document, signer: actor.keyPair, twinId: actor.twinId, readers });
}

export type Pending = NonNullable<Solution["pending"]>;

/** What waits for signatures. @throws GridError cli.nothing_to_sign */
export function pendingOf(solution: Solution): Pending {
  if (solution.pending === null) throw cliErrors.fail("cli.nothing_to_sign", { message: `Solution "${solution.name}" has no change that waits for signatures.`, details: { solutionId: solution.id } });
  return solution.pending;
}

/** Signs exactly `pending`: what has taken its place since it was shown is refused by the ledger. */
export async function signPending(options: { readonly context: Context; readonly actor: Actor; readonly solution: Solution; readonly pending: Pending }): Promise<Receipt> {
  const { context, actor, solution, pending } = options;
  if (pending.document !== null) await context.notary().sign({ cid: pending.document, signer: actor.keyPair, twinId: actor.twinId });
  return context.chain().submit(actor.keyPair, [{ type: "solutions.sign", solutionId: solution.id, version: pending.version, document: pending.document }], { signal: context.signal });
}

/** By name among the actor's own, or by id. @throws GridError cli.not_found */
export async function findSolution(context: Context, nameOrId: string): Promise<Solution> {
  const chain = context.chain();
  const solution = /^\d+$/.test(nameOrId) ? await chain.solution(Number(nameOrId) as SolutionId) : await chain.solutionByName((await context.identity()).twinId, nameOrId);
  if (solution === undefined) throw cliErrors.fail("cli.not_found", { message: `There is no solution ${nameOrId}.` });
  return solution;
}

/** The document in force, or another one of the solution. */
export async function readDocument(context: Context, actor: Actor, { id, document }: Pick<Solution, "id" | "document">): Promise<SolutionDocument> {
  return parseSolution(await context.notary().get({ cid: document, signer: actor.keyPair, twinId: actor.twinId, solutionId: id, signal: context.signal }));
}
