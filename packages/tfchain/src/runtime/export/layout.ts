/**
 * Every kind of row that the state holds, under the name that it has in an exported genesis. A key of no section here is a
 * mistake of the program: an export refuses it, and a test walks through all modules to find it. A new table adds its line.
 */
import { type JsonValue, type Schema, decode, encode, s } from "@tfgrid/primitives";
import { rewardReceipt } from "../../types/merit.ts";
import { spends, stakedCell, stakes } from "../accounts/stake.ts";
import { accounts } from "../accounts/store.ts";
import { supplyCell } from "../accounts/supply.ts";
import { contractIdByName, contractsByNode, contractsBySolution, contractsByTwin, networks, rentIdByNode, subnets } from "../contracts/store.ts";
import { contractRows, tallyRows } from "../contracts/rows.ts";
import { usages } from "../contracts/usage.ts";
import { dueWorkCell } from "../due-pace.ts";
import { farmOffers, payouts } from "../farms/property.ts";
import { farmIdByName, farms } from "../farms/store.ts";
import { openCell, proposalDeadlines, proposals, vetoes, voters, votes } from "../governance/store.ts";
import { farmWeightCell, farmWeights } from "../governance/weight.ts";
import { RUNTIME_LIMITS } from "../limits.ts";
import { pulseCell } from "../nodes/pulse.ts";
import { lives, nodeIdByTwin, nodes, nodesByFarm } from "../nodes/store.ts";
import { anchors } from "../notary/store.ts";
import { feeds, priceStampCell } from "../pricing/feed.ts";
import { disputeIdByContract, disputes, reviews, standings } from "../reputation/store.ts";
import { books } from "../rewards/books.ts";
import { services } from "../services/store.ts";
import { purses, solutionIdByName, solutions, solutionsByAgent, solutionsByTwin } from "../solutions/store.ts";
import { dueRows } from "../store/due.ts";
import type { Cell } from "../store/table.ts";
import { feeMultiplierCell, loadCell } from "../transactions/fee.ts";
import { farmJoins } from "../transactions/free.ts";
import { twinOffers } from "../twins/move.ts";
import { twinIdByAccount, twins } from "../twins/store.ts";
import { acceptedTerms } from "../twins/terms.ts";
import { ties } from "../twins/ties.ts";
import { stateVersionCell } from "../upgrades/store.ts";
import { failedWorkIds, failedWorks } from "../failed-work/store.ts";
import { misbehaviourIds, misbehaviours, validatorKeys, validatorSetCell } from "../validators/store.ts";

export interface Section {
  /** Keys are `PREFIX/REST`. */
  readonly prefix: string;
  readonly schema: Schema<unknown>;
}

const section = <V>({ prefix, schema }: { readonly prefix: string; readonly schema: Schema<V> }): Section => ({ prefix, schema: schema as Schema<unknown> });
/** Rows whose key says all: null in JSON, CBOR null in the state. */
const NOTHING = s.nullable(s.oneOf([])) as Schema<unknown>;
const keysOnly = ({ prefix }: { readonly prefix: string }): Section => ({ prefix, schema: NOTHING });

export const SECTIONS: Readonly<Record<string, Section>> = {
  accounts: section(accounts),
  stakes: section(stakes),
  spends: section(spends),
  twins: section(twins),
  twinIdByAccount: section(twinIdByAccount),
  twinOffers: section(twinOffers),
  acceptedTerms: section(acceptedTerms),
  ties: section(ties),
  farms: section(farms),
  farmIdByName: section(farmIdByName),
  farmOffers: section(farmOffers),
  farmPayouts: section(payouts),
  farmWeights: section(farmWeights),
  farmJoins: section(farmJoins),
  nodes: section(nodes),
  nodeIdByTwin: section(nodeIdByTwin),
  nodesByFarm: keysOnly(nodesByFarm),
  nodeLives: section(lives),
  contracts: section(contractRows),
  tallies: section(tallyRows),
  contractIdByName: section(contractIdByName),
  contractsByNode: keysOnly(contractsByNode),
  contractsBySolution: keysOnly(contractsBySolution),
  contractsByTwin: keysOnly(contractsByTwin),
  rentIdByNode: section(rentIdByNode),
  usages: section(usages),
  networks: section(networks),
  subnets: section(subnets),
  solutions: section(solutions),
  solutionIdByName: section(solutionIdByName),
  solutionsByTwin: keysOnly(solutionsByTwin),
  solutionsByAgent: keysOnly(solutionsByAgent),
  purses: section(purses),
  services: section(services),
  feeds: section(feeds),
  books: section(books),
  rewards: { prefix: "reward", schema: rewardReceipt as Schema<unknown> },
  standings: section(standings),
  disputes: section(disputes),
  disputeIdByContract: section(disputeIdByContract),
  reviews: section(reviews),
  anchors: section(anchors),
  proposals: section(proposals),
  proposalDeadlines: section(proposalDeadlines),
  votes: section(votes),
  vetoes: section(vetoes),
  voters: section(voters),
  validatorKeys: section(validatorKeys),
  misbehaviours: section(misbehaviours),
  misbehaviourIds: section(misbehaviourIds),
  due: section(dueRows),
  failedWorks: section(failedWorks),
  failedWorkIds: section(failedWorkIds),
  lastIds: { prefix: "meta/last", schema: s.uint() as Schema<unknown> },
};

const single = <V>({ key, schema }: Cell<V>): { readonly key: string; readonly schema: Schema<unknown> } => ({ key, schema: schema as Schema<unknown> });

/** Rows that exist once. Parameters, prices, policy, charter and constitution have their own places in a genesis. */
export const CELLS = {
  stateVersion: single(stateVersionCell),
  supply: single(supplyCell),
  staked: single(stakedCell),
  farmWeight: single(farmWeightCell),
  openProposals: single(openCell),
  pulse: single(pulseCell),
  dueWork: single(dueWorkCell),
  feeMultiplier: single(feeMultiplierCell),
  feeLoad: single(loadCell),
  price: single(priceStampCell),
  validators: single(validatorSetCell),
} as const;

const MAX_ROW_BYTES = 16 * 1024 * 1024;
/** A row of the state as JSON: proven to come back to the same bytes. */
export const rowToJson = (schema: Schema<unknown>, bytes: Uint8Array): JsonValue => schema.toJson(decode(schema, bytes, { maxBytes: MAX_ROW_BYTES }));
export const rowFromJson = (schema: Schema<unknown>, value: unknown, path: string): Uint8Array => encode(schema, schema.fromJson(value, path));

/** JSON that is not looked into here: each row is read by the schema of its section. */
const anyJson: Schema<JsonValue> = {
  fromCbor: (value) => value as JsonValue,
  toCbor: (value) => value,
  fromJson: (value) => value as JsonValue,
  toJson: (value) => value,
  jsonSchema: () => ({}),
};

const row = s.struct({ key: s.text({ minLength: 1, maxLength: 1_024, pattern: /^[\x20-\x7e]+$/ }), value: anyJson });
const rows = s.list(row, { max: RUNTIME_LIMITS.genesisRows });
const name = s.text({ minLength: 1, maxLength: 64 });

/** What a chain held when it was exported: the chain that starts from it goes on after `height` and `timeMs`. */
export const content = s.struct({
  height: s.uint(),
  timeMs: s.uint(),
  /** TFT that the first genesis of all gave. */
  genesisUnits: s.units(),
  cells: s.record(anyJson, { max: 64, key: name }),
  sections: s.record(rows, { max: 256, key: name }),
});
