/** Who may read a document: its author, its listed readers, and those whom the chain names. */
import { type CidText, decode, isGridError, type TwinId } from "@tfgrid/primitives";
import type { chain as types, Contract, Solution } from "@tfgrid/tfchain";
import { instruction } from "../documents/instruction.ts";
import { solutionDocument } from "../documents/solution.ts";
import { NOTARY_LIMITS as L } from "../limits.ts";
import type { DocumentRecord } from "../store/store.ts";
import type { Hint } from "../wire.ts";
import type { Facts } from "./ledger.ts";

type NodeContract = types.NodeContract;

export interface AccessQuestion {
  readonly chain: Facts;
  readonly cid: CidText;
  readonly record: DocumentRecord;
  readonly bytes: Uint8Array;
  readonly twinId: TwinId;
  readonly hint: Hint;
}

export async function mayRead(question: AccessQuestion): Promise<boolean> {
  const { record, twinId } = question;
  if (record.author === twinId || record.readers.includes(twinId)) return true;
  return question.record.kind === "instruction/v1" ? namedByContract(question) : namedBySolution(question);
}

/** A solution's accepted or pending document: its signers, owner and agent. */
async function namedBySolution(question: AccessQuestion): Promise<boolean> {
  for await (const solution of solutionsToTry(question)) {
    if (solution !== undefined && names(solution, question.cid) && partyOf(solution, question.twinId)) return true;
  }
  return false;
}

export function names(solution: Solution, cid: CidText): boolean {
  return solution.state !== "cancelled" && (solution.document === cid || solution.pending?.document === cid);
}

function partyOf(solution: Solution, twinId: TwinId): boolean {
  return solution.twinId === twinId || solution.agentTwinId === twinId || solution.signers.some((signer) => signer.twinId === twinId);
}

/** Where the reader says, where an anchor says, and by the name that the document itself bears. */
async function* solutionsToTry(question: Omit<AccessQuestion, "twinId">): AsyncGenerator<Solution | undefined> {
  const { chain, cid, hint, record, bytes } = question;
  if (hint.solutionId !== undefined) yield await chain.solution(hint.solutionId);
  const anchor = await chain.anchor(cid);
  if (anchor?.solutionId != null) yield await chain.solution(anchor.solutionId);
  const document = read(() => decode(solutionDocument, bytes, { maxBytes: L.documentBytes }));
  if (document !== undefined) yield await chain.solutionByName(record.author, document.name);
}

/** The instruction of an active contract: the node's twin, the contract's owner and the solution's agent. */
async function namedByContract(question: AccessQuestion): Promise<boolean> {
  const { chain, cid, hint, twinId } = question;
  if (hint.contractId !== undefined) {
    const contract = await chain.contract(hint.contractId);
    if (carriesOut(contract, cid) && (await partOf(chain, contract, twinId))) return true;
  }
  for await (const contract of contractsOf(question)) {
    if (carriesOut(contract, cid) && (await partOf(chain, contract, twinId))) return true;
  }
  return false;
}

export function carriesOut(contract: Contract | undefined, cid: CidText): contract is NodeContract {
  return contract?.type === "node" && contract.state !== "deleted" && contract.instruction === cid;
}

/**
 * Whether the chain names the document for anybody, by values that can each be proven: a solution's own parts instead of a
 * server's list of them.
 */
export async function isNamed(question: Omit<AccessQuestion, "twinId" | "hint" | "bytes"> & { readonly bytes: Uint8Array | undefined }): Promise<true | undefined> {
  const { bytes = new Uint8Array(0), ...rest } = question;
  const named = rest.record.kind === "instruction/v1" ? await hasContract({ ...rest, bytes }) : await hasSolution({ ...rest, bytes });
  return named ? true : undefined;
}

async function hasSolution(question: Omit<AccessQuestion, "twinId" | "hint">): Promise<boolean> {
  for await (const solution of solutionsToTry({ ...question, hint: {} })) {
    if (solution !== undefined && names(solution, question.cid)) return true;
  }
  return false;
}

async function hasContract({ chain, cid, bytes }: Omit<AccessQuestion, "twinId" | "hint">): Promise<boolean> {
  const anchor = await chain.anchor(cid);
  if (anchor?.contractId != null && carriesOut(await chain.contract(anchor.contractId), cid)) return true;
  const document = read(() => decode(instruction, bytes, { maxBytes: L.documentBytes }));
  const solution = document === undefined ? undefined : await chain.solution(document.solutionId);
  for (const id of solution?.parts ?? []) if (carriesOut(await chain.contract(id), cid)) return true;
  return false;
}

async function partOf(chain: Facts, contract: NodeContract, twinId: TwinId): Promise<boolean> {
  if (contract.twinId === twinId) return true;
  const node = await chain.node(contract.nodeId);
  if (node?.twinId === twinId) return true;
  if (contract.solutionId === null) return false;
  const solution = await chain.solution(contract.solutionId);
  return solution?.agentTwinId === twinId;
}

async function* contractsOf(question: AccessQuestion): AsyncGenerator<Contract> {
  const document = read(() => decode(instruction, question.bytes, { maxBytes: L.documentBytes }));
  if (document === undefined) return;
  const { solutionId, nodeId } = document;
  let after = 0;
  for (let seen = 0; seen < L.contractsSearched; ) {
    const page = await question.chain.contracts({ solutionId, nodeId, active: true, after, limit: L.chainPage });
    yield* page;
    const last = page.at(-1);
    // Until an empty page: a server may answer fewer rows than asked for.
    if (last === undefined) return;
    after = last.id;
    seen += page.length;
  }
}

/** The notary keeps canonical documents of a known kind without judging their content: one that is malformed names nobody. */
function read<T>(decodeIt: () => T): T | undefined {
  try {
    return decodeIt();
  } catch (error) {
    if (isGridError(error)) return undefined;
    throw error;
  }
}
