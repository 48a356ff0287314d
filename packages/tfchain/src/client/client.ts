/** The ledger for other rooms: `connectChain` gives typed reads, one way to write and one stream of events. */
import { type Clock, type Entropy, type Logger, silentLogger, systemClock, systemEntropy } from "@tfgrid/primitives";
import { CLIENT_LIMITS } from "../limits.ts";
import { type ChainTrust, type TrustStore, chainErrors } from "../light/index.ts";
import type { MethodName } from "../rpc/methods.ts";
import type { ChainClient, ChainReader, NameContract, RentContract } from "../types/index.ts";
import { follow } from "./follow.ts";
import { ProvenState, provenReader } from "./proven.ts";
import { type Environment, withRetries } from "./retry.ts";
import { Servers } from "./servers.ts";
import { Submitter } from "./submitter.ts";
import type { ParamsOf, ResultOf } from "./transport.ts";

export interface ConnectOptions {
  /** `http://host:port` of the RPC; events use the same address over WebSocket. */
  readonly url?: string;
  /** Several servers of one chain: the first is asked first, the others when it is away, behind, or lies. */
  readonly urls?: readonly string[];
  /** What is believed without asking. Without it, the first header that the server shows is taken for true and pinned from then on. */
  readonly trust?: ChainTrust;
  /** Further servers, of other operators, with which each new header is compared: a fork stops the client and is shown. */
  readonly witnesses?: readonly string[];
  /** Keeps trust fresh from one run to the next. */
  readonly trustStore?: TrustStore;
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
}

type Read = <M extends MethodName>(method: M, params: ParamsOf<M>) => Promise<ResultOf<M>>;

/** Opens no connection by itself: the first call does. @throws GridError chain.bad_config without a URL */
export function connectChain(options: ConnectOptions): ChainClient {
  const { url, urls = url === undefined ? [] : [url], trust, witnesses = [], trustStore, logger = silentLogger, clock = systemClock, entropy = systemEntropy } = options;
  const env: Environment = { clock, entropy, logger };
  const closing = new AbortController();
  const servers = new Servers({ urls, env, chainId: trust?.chainId });
  const within = (signal: AbortSignal | undefined): AbortSignal => (signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]));
  const retry = <T>(run: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> =>
    withRetries(run, { env, attempts: CLIENT_LIMITS.readAttempts, signal: within(signal) });
  const read: Read = (method, params) => retry(() => servers.call(method, params, { signal: closing.signal }), undefined);
  const submitter = new Submitter(servers, env);
  return {
    ...reader(read),
    submit: async (signer, calls, { signal } = {}) => {
      const receipt = await submitter.submit({ signer, calls, signal: within(signal) });
      servers.noteHeight(receipt.height);
      return receipt;
    },
    follow: (wanted) => follow({ ...wanted, signal: within(wanted.signal), servers, env }),
    proven: provenReader(new ProvenState({ servers, retry, trust, witnesses, store: trustStore, clock, logger }), (page) => read("contracts", page)),
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
    failedWork: (page = {}) => read("failedWork", page),
    supply: () => read("supply", {}),
    stake: (twinId) => some(read("stake", { twinId })),
    discount: (twinId) => read("discount", { twinId }),
    acceptedTerms: (twinId) => some(read("acceptedTerms", { twinId })),
    farmPayout: (farmId) => some(read("farmPayout", { farmId })),
    farmOffer: (farmId) => some(read("farmOffer", { farmId })),
    usage: (contractId) => some(read("usage", { contractId })),
    rentByNode: (nodeId) => some(read("rentByNode", { nodeId }) as Promise<RentContract | null>),
    rents: (page = {}) => read("rents", page) as Promise<readonly RentContract[]>,
    service: (id) => some(read("service", { id })),
    services: (page = {}) => read("services", page),
    parameters: () => read("parameters", {}),
    proposal: (id) => some(read("proposal", { id })),
    proposals: (page = {}) => read("proposals", page),
    price: () => read("price", {}),
    rewards: (nodeId) => read("rewards", { nodeId }),
    reputation: (subject) => read("reputation", subject),
    nodeReputations: (page = {}) => read("nodeReputations", page),
    dispute: (id) => some(read("dispute", { id })),
    disputes: (page = {}) => read("disputes", page),
    fee: () => read("fee", {}),
    twinOffer: (twinId) => some(read("twinOffer", { twinId })),
    twins: (page = {}) => read("twins", page),
    farms: (page = {}) => read("farms", page),
    nodes: (page = {}) => read("nodes", page),
    solutions: (page = {}) => read("solutions", page),
    contracts: (page = {}) => read("contracts", page),
  };
}
