/** Everything that a ChainReader answers from the state, as pure functions. */
import type { ContractId, SolutionId, TwinId } from "@tfgrid/primitives";
import type { ChainReader } from "../types/client.ts";
import type { Contract, NameContract, Solution } from "../types/entities.ts";
import { readAccount } from "./accounts/store.ts";
import type { StateQueries, StateReader } from "./api.ts";
import { contractIdByName, contracts, contractsByNode, contractsBySolution, contractsByTwin, nodeOf } from "./contracts/store.ts";
import { farmIdByName, farms } from "./farms/store.ts";
import { moduleQueries } from "./module-queries.ts";
import { nodeByTwin, nodes } from "./nodes/store.ts";
import { anchors } from "./notary/store.ts";
import { readParams } from "./params/store.ts";
import { readPricing } from "./pricing/store.ts";
import { paging } from "./store/paging.ts";
import { solutionIdByName, solutions, solutionsByAgent, solutionsByTwin } from "./solutions/store.ts";
import type { ListOptions } from "./store/table.ts";
import { twinByAccount, twins } from "./twins/store.ts";

type ContractFilter = NonNullable<Parameters<ChainReader["contracts"]>[0]>;
type SolutionFilter = NonNullable<Parameters<ChainReader["solutions"]>[0]>;

/** `head` is the engine's: the state does not know its own block. */
export function queries(state: StateReader): StateQueries {
  return {
    params: () => readParams(state),
    pricing: () => readPricing(state),
    account: (id) => readAccount(state, id),
    twin: (id) => twins.get(state, id),
    twinByAccount: (account) => twinByAccount(state, account),
    farm: (id) => farms.get(state, id),
    farmByName: (name) => {
      const id = farmIdByName.get(state, name);
      return id === undefined ? undefined : farms.get(state, id);
    },
    node: (id) => nodes.get(state, id),
    nodeByTwin: (twinId) => nodeByTwin(state, twinId),
    contract: (id) => contracts.get(state, id),
    nameContract: (name) => {
      const id = contractIdByName.get(state, name);
      return id === undefined ? undefined : (contracts.get(state, id) as NameContract | undefined);
    },
    solution: (id) => solutions.get(state, id),
    solutionByName: (twinId, name) => {
      const id = solutionIdByName.get(state, solutionIdByName.of(twinId, name));
      return id === undefined ? undefined : solutions.get(state, id);
    },
    ...moduleQueries(state),
    anchor: (document) => anchors.get(state, document),
    twins: (page) => twins.list(state, paging(page)),
    farms: (page) => farms.list(state, paging(page)),
    nodes: (page) => nodes.list(state, paging(page)),
    solutions: (filter) => listSolutions(state, filter),
    contracts: (filter) => listContracts(state, filter),
  };
}

function listSolutions(state: StateReader, filter: SolutionFilter = {}): Solution[] {
  const { twinId, agentTwinId } = filter;
  const { limit, ...from } = paging(filter);
  const matches = (row: Solution): boolean =>
    (twinId === undefined || row.twinId === twinId) && (agentTwinId === undefined || row.agentTwinId === agentTwinId);
  if (twinId === undefined && agentTwinId === undefined) return solutions.list(state, { ...from, limit });
  const ids =
    twinId === undefined ? solutionsByAgent.ids(state, [agentTwinId as TwinId], from) : solutionsByTwin.ids(state, [twinId], from);
  return take(
    rows(ids, (id) => solutions.get(state, id as SolutionId)),
    matches,
    limit,
  );
}

function listContracts(state: StateReader, filter: ContractFilter = {}): Contract[] {
  const { limit, ...from } = paging(filter);
  const { nodeId, solutionId, twinId, active } = filter;
  const matches = (row: Contract): boolean =>
    (nodeId === undefined || nodeOf(row) === nodeId) &&
    (solutionId === undefined || row.solutionId === solutionId) &&
    (twinId === undefined || row.twinId === twinId) &&
    (active === undefined || (row.state !== "deleted") === active);
  const index = contractIndex(state, filter, from);
  if (index === undefined) return take(contracts.all(state, from), matches, limit);
  const ids = active === undefined ? mergeAscending(index("a"), index("d")) : index(active ? "a" : "d");
  return take(
    rows(ids, (id) => contracts.get(state, id as ContractId)),
    matches,
    limit,
  );
}

/** The narrowest index that fits the filter. */
function contractIndex(
  state: StateReader,
  { nodeId, solutionId, twinId }: ContractFilter,
  from: ListOptions,
): ((life: "a" | "d") => Iterable<number>) | undefined {
  if (solutionId !== undefined) return (life) => contractsBySolution.ids(state, [solutionId, life], from);
  if (nodeId !== undefined) return (life) => contractsByNode.ids(state, [nodeId, life], from);
  if (twinId !== undefined) return (life) => contractsByTwin.ids(state, [twinId, life], from);
  return undefined;
}

function* rows<T>(ids: Iterable<number>, get: (id: number) => T | undefined): Iterable<T> {
  for (const id of ids) {
    const row = get(id);
    if (row === undefined) throw new Error(`an index names ${id}, which does not exist`);
    yield row;
  }
}

function take<T>(all: Iterable<T>, matches: (row: T) => boolean, limit: number): T[] {
  const out: T[] = [];
  if (limit === 0) return out;
  for (const row of all) {
    if (matches(row)) out.push(row);
    if (out.length >= limit) break;
  }
  return out;
}

function* mergeAscending(left: Iterable<number>, right: Iterable<number>): Iterable<number> {
  const [a, b] = [left[Symbol.iterator](), right[Symbol.iterator]()];
  let [x, y] = [a.next(), b.next()];
  while (x.done !== true || y.done !== true) {
    if (y.done === true || (x.done !== true && x.value < y.value)) {
      yield x.value as number;
      x = a.next();
    } else {
      yield y.value;
      y = b.next();
    }
  }
}
