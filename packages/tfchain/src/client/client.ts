/** The ledger for other rooms: `connectChain` gives typed reads, one way to write and one stream of events. */
import { type Clock, type Entropy, type Logger, silentLogger, systemClock, systemEntropy } from "@tfgrid/primitives";
import { CLIENT_LIMITS } from "../limits.ts";
import { type ChainTrust, chainErrors, verifyHeader } from "../light/index.ts";
import type { MethodName } from "../rpc/methods.ts";
import type { ChainClient, ChainReader, NameContract, RentContract } from "../types/index.ts";
import { follow } from "./follow.ts";
import { provenReader } from "./proven.ts";
import { type Environment, withRetries } from "./retry.ts";
import { Submitter } from "./submitter.ts";
import { type ParamsOf, type ResultOf, type Transport, httpTransport } from "./transport.ts";

export interface ConnectOptions {
  /** `http://host:port` of the RPC; events use the same address over WebSocket. */
  readonly url?: string;
  /** Several servers of one chain instead of one. */
  readonly urls?: readonly string[];
  /** From the chain's genesis. Without it, the first header that the server shows is taken for true and pinned from then on. */
  readonly trust?: ChainTrust;
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
}

type Read = <M extends MethodName>(method: M, params: ParamsOf<M>) => Promise<ResultOf<M>>;

/** Opens no connection by itself: the first call does. */
export function connectChain(options: ConnectOptions): ChainClient {
  const { logger = silentLogger, clock = systemClock, entropy = systemEntropy } = options;
  const env: Environment = { clock, entropy, logger };
  const url = options.url ?? options.urls?.[0];
  if (url === undefined) throw new Error("connectChain needs url or urls");
  const closing = new AbortController();
  const transport = httpTransport(url);
  const read: Read = (method, params) => {
    const run = (): Promise<ResultOf<typeof method>> => transport.call(method, params, { signal: closing.signal });
    return withRetries(run, { env, attempts: CLIENT_LIMITS.readAttempts, signal: closing.signal });
  };
  const submitter = new Submitter(transport, env);
  const within = (signal: AbortSignal | undefined): AbortSignal => (signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]));
  return {
    ...reader(read),
    submit: (signer, calls, { signal } = {}) => submitter.submit({ signer, calls, signal: within(signal) }),
    follow: (wanted) => follow({ ...wanted, signal: within(wanted.signal), url, env }),
    proven: lazilyProven({ read, clock, transport, trust: options.trust, logger }),
    close: () => {
      closing.abort(chainErrors.fail("chain.unreachable", { message: "The client was closed." }));
      return Promise.resolve();
    },
  };
}

function reader(read: Read): ChainReader {
  const some = <T>(promise: Promise<T | null>): Promise<T | undefined> => promise.then((value) => value ?? undefined);
  return {
    head: () => read("head", {}),
    params: () => read("params", {}),
    pricing: () => read("pricing", {}),
    account: (id) => read("account", { id }),
    twin: (id) => some(read("twin", { id })),
    twinByAccount: (account) => some(read("twinByAccount", { account })),
    farm: (id) => some(read("farm", { id })),
    farmByName: (name) => some(read("farmByName", { name })),
    node: (id) => some(read("node", { id })),
    nodeByTwin: (twinId) => some(read("nodeByTwin", { twinId })),
    contract: (id) => some(read("contract", { id })),
    nameContract: (name) => some(read("nameContract", { name }) as Promise<NameContract | null>),
    solution: (id) => some(read("solution", { id })),
    solutionByName: (twinId, name) => some(read("solutionByName", { twinId, name })),
    anchor: (document) => some(read("anchor", { document })),
    policy: () => read("policy", {}),
    charter: () => read("charter", {}),
    validatorSet: () => read("validatorSet", {}),
    misbehaviours: (page = {}) => read("misbehaviours", page),
    supply: () => read("supply", {}),
    stake: (twinId) => some(read("stake", { twinId })),
    discount: (twinId) => read("discount", { twinId }),
    acceptedTerms: (twinId) => some(read("acceptedTerms", { twinId })),
    farmPayout: (farmId) => some(read("farmPayout", { farmId })),
    farmOffer: (farmId) => some(read("farmOffer", { farmId })),
    usage: (contractId) => some(read("usage", { contractId })),
    rentByNode: (nodeId) => some(read("rentByNode", { nodeId }) as Promise<RentContract | null>),
    service: (id) => some(read("service", { id })),
    services: (page = {}) => read("services", page),
    parameters: () => read("parameters", {}),
    proposal: (id) => some(read("proposal", { id })),
    proposals: (page = {}) => read("proposals", page),
    price: () => read("price", {}),
    rewards: (nodeId) => read("rewards", { nodeId }),
    reputation: (subject) => read("reputation", subject),
    fee: () => read("fee", {}),
    twinOffer: (twinId) => some(read("twinOffer", { twinId })),
    twins: (page = {}) => read("twins", page),
    farms: (page = {}) => read("farms", page),
    nodes: (page = {}) => read("nodes", page),
    solutions: (page = {}) => read("solutions", page),
    contracts: (page = {}) => read("contracts", page),
  };
}

/** Without a trusted genesis the authority is learnt once, on first use, and never changes afterwards. */
function lazilyProven(options: {
  readonly read: Read;
  readonly clock: Clock;
  readonly transport: Transport;
  readonly trust: ChainTrust | undefined;
  readonly logger: Logger;
}): ChainClient["proven"] {
  const { read, clock, logger } = options;
  let ready: Promise<ChainClient["proven"]> | undefined;
  const learn = async (): Promise<ChainTrust> => {
    if (options.trust !== undefined) return options.trust;
    const signed = await read("header.get", {});
    const { chainId } = signed.header;
    const learnt = signed.type === "solo" ? { chainId, authority: signed.header.authority } : { chainId, validatorsHash: signed.header.validatorsHash };
    verifyHeader(signed, learnt);
    logger.warn("no trust was given: what the server shows first is taken for true", learnt);
    return learnt;
  };
  const proven = (): Promise<ChainClient["proven"]> => {
    ready ??= learn().then(
      (trust) => provenReader({ read, clock, trust }),
      (error: unknown) => {
        ready = undefined;
        throw error;
      },
    );
    return ready;
  };
  return {
    contract: async (id) => (await proven()).contract(id),
    solution: async (id) => (await proven()).solution(id),
    node: async (id) => (await proven()).node(id),
    twin: async (id) => (await proven()).twin(id),
  };
}
