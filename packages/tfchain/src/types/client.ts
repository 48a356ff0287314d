/** The ledger as the other rooms see it: typed reads, one way to write, one stream of events. */
import type { AccountId, CidText, ContractId, FarmId, Height, Hex, KeyPair, NodeId, SolutionId, TwinId } from "@tfgrid/primitives";
import type { Call } from "./calls.ts";
import type { Account, Anchor, Contract, Farm, Head, NameContract, Node, Params, Pricing, RentContract, Solution, Twin } from "./entities.ts";
import type { ChainEvent, EventBlock } from "./events.ts";
import type { Parameter, Proposal, ProposalId } from "./governance.ts";
import type { AcceptedTerms, Discount, FeeView, PriceView, Service, ServiceId, Stake, Supply, Usage } from "./ledger.ts";
import type { Dispute, DisputeId, NodeReputation, Reputation, RewardReceipt } from "./merit.ts";
import type { Charter, Policy } from "./policy.ts";
import type { Misbehaviour, ValidatorSet } from "./validators.ts";
import type { FailedWork } from "./work.ts";

/** Lists are by ascending id, `after` exclusive; servers answer at most 1,000 rows a call. */
export interface PageOptions {
  readonly after?: number;
  readonly limit?: number;
}

export type ReputationSubject = { readonly nodeId: NodeId } | { readonly farmId: FarmId } | { readonly twinId: TwinId };

export interface ContractPage extends PageOptions {
  readonly nodeId?: NodeId;
  readonly solutionId?: SolutionId;
  readonly twinId?: TwinId;
  readonly active?: boolean;
}

export interface SolutionPage extends PageOptions {
  readonly twinId?: TwinId;
  readonly agentTwinId?: TwinId;
}

/** Reads answer `undefined` for what does not exist; they throw only when the ledger cannot be read. */
export interface ChainReader {
  head(): Promise<Head>;
  params(): Promise<Params>;
  pricing(): Promise<Pricing>;
  account(id: AccountId): Promise<Account>;
  twin(id: TwinId): Promise<Twin | undefined>;
  twinByAccount(account: AccountId): Promise<Twin | undefined>;
  farm(id: FarmId): Promise<Farm | undefined>;
  farmByName(name: string): Promise<Farm | undefined>;
  node(id: NodeId): Promise<Node | undefined>;
  nodeByTwin(twinId: TwinId): Promise<Node | undefined>;
  contract(id: ContractId): Promise<Contract | undefined>;
  nameContract(name: string): Promise<NameContract | undefined>;
  solution(id: SolutionId): Promise<Solution | undefined>;
  /** The owner's solution of this name that is not cancelled. */
  solutionByName(twinId: TwinId, name: string): Promise<Solution | undefined>;
  anchor(document: CidText): Promise<Anchor | undefined>;
  /** Numbers of the modules. */
  policy(): Promise<Policy>;
  /** Offices, terms, operating system release, upgrade. */
  charter(): Promise<Charter>;
  /** The validators that governance wants; empty on a chain whose genesis named none. */
  validatorSet(): Promise<ValidatorSet>;
  /** What consensus proved against validators, by ascending id. */
  misbehaviours(page?: PageOptions): Promise<readonly Misbehaviour[]>;
  /** Time-based work that a bug of the ledger keeps from being done, by ascending id: none when all is well. */
  failedWork(page?: PageOptions): Promise<readonly FailedWork[]>;
  supply(): Promise<Supply>;
  stake(twinId: TwinId): Promise<Stake | undefined>;
  /** What the twin's stake takes off its bills now. */
  discount(twinId: TwinId): Promise<Discount>;
  acceptedTerms(twinId: TwinId): Promise<AcceptedTerms | undefined>;
  /** To whom the twin is offered. */
  twinOffer(twinId: TwinId): Promise<AccountId | undefined>;
  /** The account that a farm's income goes to, when it is not its twin's. */
  farmPayout(farmId: FarmId): Promise<AccountId | undefined>;
  /** To whom the farm is offered. */
  farmOffer(farmId: FarmId): Promise<TwinId | undefined>;
  usage(contractId: ContractId): Promise<Usage | undefined>;
  /** The rent that a node is under. */
  rentByNode(nodeId: NodeId): Promise<RentContract | undefined>;
  /** All rents, by ascending node id; `after` is a node id. */
  rents(page?: PageOptions): Promise<readonly RentContract[]>;
  service(id: ServiceId): Promise<Service | undefined>;
  services(page?: PageOptions): Promise<readonly Service[]>;
  /** Every number that governance may change, with its range. */
  parameters(): Promise<readonly Parameter[]>;
  proposal(id: ProposalId): Promise<Proposal | undefined>;
  proposals(page?: PageOptions): Promise<readonly Proposal[]>;
  /** Price of TFT, who fed it when, and whether it is stale. */
  price(): Promise<PriceView>;
  /** Rewards of a node by period, the newest 60 periods. */
  rewards(nodeId: NodeId): Promise<readonly RewardReceipt[]>;
  /** Score, confidence and the evidence behind it; neutral for what nothing is known of. */
  reputation(subject: ReputationSubject): Promise<Reputation>;
  /** Of all nodes, by ascending node id. */
  nodeReputations(page?: PageOptions): Promise<readonly NodeReputation[]>;
  dispute(id: DisputeId): Promise<Dispute | undefined>;
  disputes(page?: PageOptions): Promise<readonly Dispute[]>;
  /** What a transaction costs now. */
  fee(): Promise<FeeView>;
  twins(page?: PageOptions): Promise<readonly Twin[]>;
  farms(page?: PageOptions): Promise<readonly Farm[]>;
  nodes(page?: PageOptions): Promise<readonly Node[]>;
  solutions(page?: SolutionPage): Promise<readonly Solution[]>;
  /** Without `active`, deleted contracts are included. */
  contracts(page?: ContractPage): Promise<readonly Contract[]>;
}

/** A transaction that is final: in a committed block. Failed transactions are thrown as GridError instead. */
export interface Receipt {
  readonly hash: Hex;
  readonly height: Height;
  readonly timeMs: number;
  readonly feeUnits: bigint;
  readonly events: readonly ChainEvent[];
}

export interface FollowOptions {
  /** First height wanted; every event from it on arrives once, without gaps. Omitted: from the next block. */
  readonly from?: Height;
  readonly signal: AbortSignal;
}

export interface ProvenReadOptions {
  /** Nothing older than the state after this height is an answer: a server that is behind is waited for, or left for another. */
  readonly atLeast?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

type WithProofs<K extends keyof ChainReader> = {
  readonly [M in K]: ChainReader[M] extends (...wanted: infer P) => infer R ? (...wanted: [...P, options?: ProvenReadOptions]) => R : never;
};

/**
 * Reads of the newest state that the chain has signed, each with its Merkle proof, checked here: the server need not be trusted.
 * Never older than what this client has seen happen by its own transactions and events.
 * @throws GridError light.* with the `url` of the server that lied
 */
export interface ProvenReader
  extends WithProofs<
    "contract" | "solution" | "node" | "twin" | "farm" | "account" | "anchor" | "params" | "twinByAccount" | "nodeByTwin" | "nameContract" | "solutionByName"
  > {
  /** Each row is proven, one by one; that none is left out is the server's word. */
  contracts(page?: ContractPage, options?: ProvenReadOptions): Promise<readonly Contract[]>;
  /** Height of the newest state that was proven so far. */
  height(): number;
}

export interface ChainClient extends ChainReader {
  /**
   * Signs, submits and waits until the batch is final. Manages the nonce (concurrent calls from one key queue up), and
   * retries what is safe to retry. @throws GridError with the ledger's code when it is refused.
   */
  submit(signer: KeyPair, calls: readonly Call[], options?: { readonly signal?: AbortSignal }): Promise<Receipt>;
  /** Reconnects by itself and resumes by height; ends when the signal is aborted. */
  follow(options: FollowOptions): AsyncIterable<EventBlock>;
  readonly proven: ProvenReader;
  close(): Promise<void>;
}
