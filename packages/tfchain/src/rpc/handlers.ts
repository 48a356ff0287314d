/** What each method does, for one engine. */
import { type GridError, type Hex, hasCode, hexToBytes } from "@tfgrid/primitives";
import type { ChainGate, Engine } from "../engines/engine.ts";
import { resultText } from "../engines/result-text.ts";
import { RPC_LIMITS } from "../limits.ts";
import { chainErrors } from "../light/errors.ts";
import type { Runtime } from "../runtime/api.ts";
import { type Handler, JsonText } from "./dispatch.ts";
import type { ReputationSubject } from "../types/index.ts";
import { type MethodName, type Methods, methods, openRpc } from "./methods.ts";
import { piecewise } from "./pieces.ts";
import { proveStateAt } from "./prove.ts";

type ParamsOf<M extends MethodName> = ReturnType<Methods[M]["params"]["fromJson"]>;
type ResultOf<M extends MethodName> = ReturnType<Methods[M]["result"]["fromJson"]>;
type StreamMethod = "events.follow" | "events.unfollow";
type Implementations = {
  readonly [M in Exclude<MethodName, StreamMethod>]: (params: ParamsOf<M>) => ResultOf<M> | Promise<ResultOf<M>>;
};

type Run<M extends MethodName> = (params: ParamsOf<M>) => ResultOf<M> | Promise<ResultOf<M>>;

/** `write`: how the result becomes JSON, when there is a cheaper way than its schema. */
export function bindMethod<M extends MethodName>(name: M, run: Run<M>, write?: (result: ResultOf<M>) => JsonText): Handler {
  const { params, result } = methods[name];
  const toJson = write ?? (result.toJson as (value: ResultOf<M>) => unknown);
  return async (value) => toJson(await run(parseParams(params.fromJson as (value: unknown) => ParamsOf<M>, value)));
}

function parseParams<P>(parse: (value: unknown) => P, value: unknown): P {
  try {
    return parse(value);
  } catch (error) {
    if (!hasCode(error, "codec.invalid_value")) throw error;
    const { message, details } = error as GridError;
    throw chainErrors.fail("rpc.invalid_params", { message, details, cause: error });
  }
}

/** All methods that answer once; streams are added by the WebSocket side. */
export function handlersOf(engine: Engine, runtime: Runtime): Map<string, Handler> {
  const handlers = new Map<string, Handler>();
  const implementations = { ...readers(engine, runtime), ...ledgerMethods(engine) };
  for (const [name, run] of Object.entries(implementations)) {
    handlers.set(name, bindMethod(name as Exclude<MethodName, StreamMethod>, run as never));
  }
  handlers.set("tx.submit", bindMethod("tx.submit", implementations["tx.submit"], (result) => new JsonText(resultText(result))));
  const document = openRpc(engine.head().chainId);
  handlers.set("rpc.discover", () => document);
  return handlers;
}

type ReaderMethod = Extract<MethodName, keyof ReturnType<Runtime["queries"]> | "head">;

function readers(engine: Engine, runtime: Runtime): Pick<Implementations, ReaderMethod> {
  const read = runtime.queries(engine.state);
  const inPieces = piecewise();
  return {
    head: () => engine.head(),
    params: () => read.params(),
    pricing: () => read.pricing(),
    account: ({ id }) => read.account(id),
    twin: ({ id }) => read.twin(id) ?? null,
    twinByAccount: ({ account }) => read.twinByAccount(account) ?? null,
    farm: ({ id }) => read.farm(id) ?? null,
    farmByName: ({ name }) => read.farmByName(name) ?? null,
    node: ({ id }) => read.node(id) ?? null,
    nodeByTwin: ({ twinId }) => read.nodeByTwin(twinId) ?? null,
    contract: ({ id }) => read.contract(id) ?? null,
    nameContract: ({ name }) => read.nameContract(name) ?? null,
    solution: ({ id }) => read.solution(id) ?? null,
    solutionByName: ({ twinId, name }) => read.solutionByName(twinId, name) ?? null,
    anchor: ({ document }) => read.anchor(document) ?? null,
    policy: () => read.policy(),
    charter: () => read.charter(),
    validatorSet: () => read.validatorSet(),
    misbehaviours: (page) => read.misbehaviours(page),
    failedWork: (page) => read.failedWork(page),
    supply: () => read.supply(),
    stake: ({ twinId }) => read.stake(twinId) ?? null,
    discount: ({ twinId }) => read.discount(twinId),
    acceptedTerms: ({ twinId }) => read.acceptedTerms(twinId) ?? null,
    farmPayout: ({ farmId }) => read.farmPayout(farmId) ?? null,
    farmOffer: ({ farmId }) => read.farmOffer(farmId) ?? null,
    usage: ({ contractId }) => read.usage(contractId) ?? null,
    rentByNode: ({ nodeId }) => read.rentByNode(nodeId) ?? null,
    rents: (page) => read.rents(page),
    service: ({ id }) => read.service(id) ?? null,
    services: (page) => read.services(page),
    parameters: () => read.parameters(),
    proposal: ({ id }) => read.proposal(id) ?? null,
    proposals: (page) => read.proposals(page),
    price: () => read.price(),
    rewards: ({ nodeId }) => read.rewards(nodeId),
    reputation: (subject) => read.reputation(oneSubject(subject)),
    nodeReputations: (page) => read.nodeReputations(page),
    dispute: ({ id }) => read.dispute(id) ?? null,
    disputes: (page) => read.disputes(page),
    fee: () => read.fee(),
    twinOffer: ({ twinId }) => read.twinOffer(twinId) ?? null,
    twins: (page) => read.twins(page),
    farms: (page) => read.farms(page),
    nodes: (page) => read.nodes(page),
    solutions: (page) => inPieces(page, (piece) => read.solutionsSlice(piece, RPC_LIMITS.rowsAtOnce)),
    contracts: (page) => inPieces(page, (piece) => read.contractsSlice(piece, RPC_LIMITS.rowsAtOnce)),
  };
}

/** @throws GridError rpc.invalid_params */
function oneSubject({ nodeId, farmId, twinId }: ParamsOf<"reputation">): ReputationSubject {
  const named = [nodeId, farmId, twinId].filter((id) => id !== undefined).length;
  if (named !== 1) throw chainErrors.fail("rpc.invalid_params", { message: "Name exactly one of nodeId, farmId and twinId." });
  if (nodeId !== undefined) return { nodeId };
  return farmId === undefined ? { twinId: twinId as NonNullable<typeof twinId> } : { farmId };
}

function ledgerMethods(engine: Engine): Omit<Implementations, ReaderMethod> {
  return {
    "tx.submit": ({ tx }) => engine.submit(txBytes(tx)),
    "tx.get": ({ hash }) => engine.tx(hash) ?? null,
    "block.get": ({ height }) => engine.block(height),
    "header.get": ({ height }) => (height === undefined ? engine.signedHeader() : engine.block(height).signedHeader),
    "state.get": ({ key, height }) => (height === undefined ? engine.prove(key) : proveStateAt(engine, key, height)),
    "chain.status": () => engine.status(),
    "chain.invitation": () => gateOf(engine).invitation(),
  };
}

/** @throws GridError chain.not_open */
export function gateOf({ gate }: Engine): ChainGate {
  if (gate === undefined) throw chainErrors.fail("chain.not_open");
  return gate;
}

/** Hex when it can be hex: a transaction's first byte is a map of two, `a2`, which base64 writes as `o...`. */
function txBytes(text: string): Uint8Array {
  if (/^(?:[0-9a-f]{2})*$/.test(text)) return hexToBytes(text as Hex);
  return Buffer.from(text, "base64");
}

