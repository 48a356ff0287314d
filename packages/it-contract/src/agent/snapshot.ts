/** Everything that one decision about a solution rests on, read from ledger and notary and verified. */
import { documents, type Instruction, type NotaryClient, type SolutionDocument } from "@tfgrid/notary";
import { type CidText, cidOf, type ContractId, decode, hasCode, type Hex, isGridError, type KeyPair, type NodeId, type Schema, type SolutionId, type TwinId } from "@tfgrid/primitives";
import { type ChainClient, type NameContract, type NodeContract, type Solution, allRows } from "@tfgrid/tfchain";
import { fail } from "../errors.ts";
import { AGENT_LIMITS } from "../limits.ts";
import type { Part } from "../plan/current.ts";
import type { Ledger, LedgerView } from "./ledger.ts";

export interface Snapshot {
  readonly solution: Solution;
  readonly document: SolutionDocument;
  readonly parts: readonly Part[];
  readonly names: readonly NameContract[];
  readonly ledger: LedgerView;
  readonly nodeKeys: ReadonlyMap<NodeId, Hex>;
  /** Empty when the document asks for none. */
  readonly reputation: ReadonlyMap<NodeId, number>;
}

export interface Sources {
  readonly chain: ChainClient;
  readonly notary: NotaryClient;
  readonly keyPair: KeyPair;
  readonly twinId: TwinId;
  readonly ledger: Ledger;
  readonly documents: Map<CidText, Promise<unknown>>;
}

/** Undefined: nothing of ours to do (no accepted version, not our agent, cancelled). */
export async function readSolution(sources: Sources, id: SolutionId): Promise<Solution | undefined> {
  const solution = await sources.chain.proven.solution(id);
  if (solution === undefined || solution.agentTwinId !== sources.twinId) return undefined;
  return solution.version === 0 || solution.state === "cancelled" || solution.state === "proposed" ? undefined : solution;
}

/** @throws GridError it_contract.document_mismatch, notary.* */
export async function readSnapshot(sources: Sources, solution: Solution, signal: AbortSignal): Promise<Snapshot> {
  const [document, ledger, contracts] = await Promise.all([readDocument(sources, solution, signal), sources.ledger.view(), allRows((page) => sources.chain.proven.contracts({ ...page, solutionId: solution.id, active: true }))]);
  signal.throwIfAborted();
  const active = contracts.filter((contract) => contract.state !== "deleted");
  const nodeContracts = active.filter((contract) => contract.type === "node");
  const parts = await Promise.all(nodeContracts.map(async (contract) => ({ contract, instruction: await readInstruction(sources, contract, signal) })));
  const nodeKeys = document.secrets.length === 0 ? new Map<NodeId, Hex>() : await sources.ledger.nodeKeys();
  const asksReputation = document.services.some(({ placement }) => placement.minReputation > 0);
  const reputation = asksReputation ? await sources.ledger.reputation() : new Map<NodeId, number>();
  return { solution, document, parts, names: active.filter((contract) => contract.type === "name"), ledger, nodeKeys, reputation };
}

async function readDocument(sources: Sources, solution: Solution, signal: AbortSignal): Promise<SolutionDocument> {
  const document = await fetchDecoded(sources, solution.document, { schema: documents.solutionDocument, hint: { solutionId: solution.id }, signal });
  // The ledger's acceptance of this content id is the proof that signers of enough weight agreed to it.
  const same =
    document.name === solution.name &&
    document.version === solution.version &&
    document.agentTwinId === solution.agentTwinId &&
    JSON.stringify(document.signers) === JSON.stringify(solution.signers);
  if (same) return document;
  throw fail("it_contract.document_mismatch", {
    message: `Document ${solution.document} is ${document.name} version ${document.version}; the ledger accepted ${solution.name} version ${solution.version}.`,
    details: { document: solution.document, solutionId: solution.id },
  });
}

function readInstruction(sources: Sources, contract: NodeContract, signal: AbortSignal): Promise<Instruction> {
  return fetchDecoded(sources, contract.instruction, { schema: documents.instruction, hint: { contractId: contract.id }, signal });
}

interface Fetch<T> {
  readonly schema: Schema<T>;
  /** Where the ledger names us as a reader. */
  readonly hint: { readonly solutionId?: SolutionId; readonly contractId?: ContractId };
  readonly signal: AbortSignal;
}

/** Content never changes under its id, so what was opened once need not be fetched again. */
async function fetchDecoded<T>(sources: Sources, cid: CidText, options: Fetch<T>): Promise<T> {
  const cache = sources.documents;
  const known = cache.get(cid) as Promise<T> | undefined;
  if (known !== undefined) return known;
  const fetched = fetchOnce(sources, cid, options);
  cache.set(cid, fetched);
  fetched.catch(() => cache.delete(cid));
  if (cache.size > AGENT_LIMITS.cachedDocuments) {
    const [oldest] = cache.keys();
    if (oldest !== undefined) cache.delete(oldest);
  }
  return fetched;
}

async function fetchOnce<T>(sources: Sources, cid: CidText, options: Fetch<T>): Promise<T> {
  const { notary, keyPair: signer, twinId } = sources;
  const stored = await notary.get({ cid, signer, twinId, signal: options.signal, ...options.hint });
  if (cidOf(stored.bytes) !== cid) throw fail("it_contract.document_mismatch", { message: `The notary's bytes are not those of ${cid}.`, details: { document: cid } });
  try {
    return decode(options.schema, stored.bytes, { maxBytes: documents.DOCUMENT_LIMITS.documentBytes });
  } catch (cause) {
    if (!isGridError(cause) || hasCode(cause, "it_contract.document_mismatch")) throw cause;
    throw fail("it_contract.document_mismatch", { message: `Document ${cid} cannot be read: ${cause.message}`, details: { document: cid }, cause });
  }
}
