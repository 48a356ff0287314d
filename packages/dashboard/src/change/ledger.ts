/** Changing and ending a solution from the page: its document is read and the new version signed here, by nobody else. */
import { currentNames, currentParts, plan, planError, type Plan, readRents, readReputation } from "@tfgrid/it-contract";
import { connectNotary, documents, type NotaryClient, type SolutionDocument } from "@tfgrid/notary";
import { type CidText, type ContractId, decode, type KeyPair, keyPairFromSeed, type Schema, seedOfMnemonic, type SolutionId, type TwinId } from "@tfgrid/primitives";
import { allRows, type ChainClient, connectChain, type Receipt, type Solution } from "@tfgrid/tfchain";
import type { PublicGrid } from "../api/types.ts";
import { fail } from "../errors.ts";

export interface ChangeOptions {
  readonly grid: PublicGrid;
  readonly solutionId: SolutionId;
  /** Used for this one step and forgotten by it. */
  readonly mnemonic: string;
  readonly signal: AbortSignal;
}

/** What runs now, as the ledger proves it. */
export interface Running {
  readonly solution: Solution;
  readonly document: SolutionDocument;
}

export interface Scaling extends Running {
  readonly plan: Plan;
}

interface Session {
  readonly chain: ChainClient;
  readonly notary: NotaryClient;
  readonly signer: KeyPair;
  readonly twinId: TwinId;
  readonly solution: Solution;
  readonly signal: AbortSignal;
}

/** Opens ledger and notary for one step, as the twin of the words. */
async function withSession<T>({ grid, solutionId, mnemonic, signal }: ChangeOptions, work: (session: Session) => Promise<T>): Promise<T> {
  const signer = keyPairFromSeed(seedOfMnemonic(mnemonic));
  const chain = connectChain(grid.chain);
  try {
    const [twin, solution] = await Promise.all([chain.proven.twinByAccount(signer.account), chain.proven.solution(solutionId)]);
    if (twin === undefined) throw fail("dashboard.no_twin", { details: { account: signer.account } });
    if (solution === undefined || solution.state === "cancelled") throw fail("dashboard.solution_ended", { details: { solutionId } });
    const notary = connectNotary({ urls: grid.notary, chain: chain.proven });
    return await work({ chain, notary, signer, twinId: twin.id, solution, signal });
  } finally {
    await chain.close();
  }
}

interface Wanted<T> {
  readonly cid: CidText;
  readonly schema: Schema<T>;
  /** Where the ledger names the reader. */
  readonly hint: { readonly solutionId: SolutionId } | { readonly contractId: ContractId };
}

async function readStored<T>({ notary, signer, twinId, signal }: Session, wanted: Wanted<T>): Promise<T> {
  const stored = await notary.get({ cid: wanted.cid, signer, twinId, signal, ...wanted.hint });
  return decode(wanted.schema, stored.bytes, { maxBytes: documents.DOCUMENT_LIMITS.documentBytes });
}

const readDocument = (session: Session): Promise<SolutionDocument> =>
  readStored(session, { cid: session.solution.document, schema: documents.solutionDocument, hint: { solutionId: session.solution.id } });

/** @throws GridError keys.bad_mnemonic, dashboard.no_twin, dashboard.solution_ended, notary.forbidden */
export function readRunning(options: ChangeOptions): Promise<Running> {
  return withSession(options, async (session) => ({ solution: session.solution, document: await readDocument(session) }));
}

async function planOf(session: Session, document: SolutionDocument): Promise<Plan> {
  const { chain, solution } = session;
  const contracts = await allRows((page) => chain.proven.contracts({ ...page, solutionId: solution.id, active: true }));
  const parts = await Promise.all(
    contracts
      .filter((contract) => contract.type === "node")
      .map(async (contract) => ({ contract, instruction: await readStored(session, { cid: contract.instruction, schema: documents.instruction, hint: { contractId: contract.id } }) })),
  );
  const [nodes, farms, pricing, rents, reputation] = await Promise.all([allRows((page) => chain.nodes(page)), allRows((page) => chain.farms(page)), chain.pricing(), readRents(chain), readReputation(chain)]);
  const current = { parts: currentParts(parts), names: currentNames(contracts) };
  const result = plan({ document, nodes, farms, pricing, rents, reputation, ownerTwinId: solution.twinId, current });
  if (result.ok) return result.plan;
  throw planError(result.problems);
}

/** @throws GridError it_contract.* when it cannot be placed like this */
export function planScaling(options: ChangeOptions & { readonly replicas: ReadonlyMap<string, number> }): Promise<Scaling> {
  return withSession(options, async (session) => {
    const before = await readDocument(session);
    const services = before.services.map((service) => ({ ...service, replicas: options.replicas.get(service.name) ?? service.replicas }));
    const document = { ...before, version: session.solution.version + 1, services };
    return { solution: session.solution, document, plan: await planOf(session, document) };
  });
}

/** Signs the version that was shown; the ledger refuses it when another one has come between. */
export function signScaling(options: ChangeOptions & { readonly document: SolutionDocument }): Promise<Receipt> {
  const { document } = options;
  return withSession(options, async ({ chain, notary, signer, twinId, solution, signal }) => {
    const readers = [...new Set([document.agentTwinId, ...document.signers.map((other) => other.twinId)])].filter((id) => id !== twinId);
    const cid = await notary.put({ schema: documents.solutionDocument, value: document, signer, twinId, readers });
    return chain.submit(
      signer,
      [
        { type: "solutions.amend", solutionId: solution.id, version: document.version, document: cid, budgetPerHourUnits: document.budgetPerHourUnits },
        { type: "notary.anchor", document: cid, contractId: null, solutionId: solution.id },
      ],
      { signal },
    );
  });
}

export function signEnd(options: ChangeOptions): Promise<Receipt> {
  return withSession(options, ({ chain, signer, solution, signal }) => chain.submit(signer, [{ type: "solutions.cancel", solutionId: solution.id }], { signal }));
}
