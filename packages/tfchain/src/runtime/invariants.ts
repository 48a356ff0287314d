/** What must hold between any two transactions. Reads the whole state: for tests and for looking into trouble. */
import { NO_RESOURCES, type Resources, addResources, fits } from "@tfgrid/primitives";
import type { Contract, Node, Solution } from "../types/entities.ts";
import { stakes } from "./accounts/stake.ts";
import { accounts } from "./accounts/store.ts";
import { readSupply } from "./accounts/supply.ts";
import type { StateReader } from "./api.ts";
import { heldResources } from "./contracts/hold.ts";
import { contractIdByName, contracts, contractsByNode, contractsBySolution, contractsByTwin, meters, nodeOf } from "./contracts/store.ts";
import { MODULE_CHECKS } from "./module-invariants.ts";
import { farms } from "./farms/store.ts";
import { proposals } from "./governance/store.ts";
import { lives, nodes } from "./nodes/store.ts";
import { books } from "./rewards/books.ts";
import { services } from "./services/store.ts";
import { readPurse, solutionIdByName, solutions } from "./solutions/store.ts";
import { type DueKind, dueKey, dueItems } from "./store/due.ts";
import { twins } from "./twins/store.ts";

export type Check = (world: World) => Iterable<string>;

export interface World {
  readonly state: StateReader;
  readonly contracts: readonly Contract[];
  readonly active: readonly Contract[];
  readonly solutions: readonly Solution[];
  readonly nodes: readonly Node[];
}

/** A new module adds its own. */
const CHECKS: readonly Check[] = [supply, escrow, capacity, parts, indexes, dueQueue, ...MODULE_CHECKS];

export function invariants(state: StateReader): readonly string[] {
  const all = [...contracts.all(state)];
  const active = all.filter((contract) => contract.state !== "deleted");
  const world = { state, contracts: all, active, solutions: [...solutions.all(state)], nodes: [...nodes.all(state)] };
  return CHECKS.flatMap((check) => [...check(world)]);
}

/** Negative amounts cannot even be stored: their schema refuses them. */
function* supply({ state }: World): Iterable<string> {
  let total = 0n;
  for (const { freeUnits, heldUnits } of accounts.all(state)) total += freeUnits + heldUnits;
  const { totalUnits } = readSupply(state);
  if (total !== totalUnits) yield `all accounts hold ${total} units, ${totalUnits} exist`;
}

function* escrow({ state, contracts: rows, solutions: owned }: World): Iterable<string> {
  const held = new Map<string, bigint>();
  const add = (twinId: Contract["twinId"], units: bigint): void => {
    const account = twins.get(state, twinId)?.account ?? `twin ${twinId}`;
    held.set(account, (held.get(account) ?? 0n) + units);
  };
  for (const row of [...rows, ...owned]) add(row.twinId, row.escrowUnits);
  for (const row of stakes.all(state)) add(row.twinId, row.amountUnits);
  for (const row of proposals.all(state)) add(row.proposerTwinId, row.depositUnits);
  for (const row of services.all(state)) add(row.consumerTwinId, row.escrowUnits);
  for (const { id, heldUnits } of accounts.all(state)) {
    if (heldUnits !== (held.get(id) ?? 0n)) yield `account ${id} holds ${heldUnits} units, its escrows ${held.get(id) ?? 0n}`;
    held.delete(id);
  }
  for (const [account, units] of held) if (units !== 0n) yield `escrows of ${account} count ${units} units, nothing is held`;
  for (const row of rows)
    if (row.state === "deleted" && row.escrowUnits !== 0n) yield `contract ${row.id} ended with ${row.escrowUnits} units`;
}

function* capacity({ state, active, nodes: all }: World): Iterable<string> {
  const sums = new Map<number, Resources>();
  const given = new Map<number, number>();
  for (const { publicIps } of farms.all(state)) {
    for (const { contractId } of publicIps) if (contractId !== null) given.set(contractId, (given.get(contractId) ?? 0) + 1);
  }
  for (const row of active) {
    if (row.type !== "node") continue;
    sums.set(row.nodeId, addResources(sums.get(row.nodeId) ?? NO_RESOURCES, heldResources(row)));
    const paidFor = row.state === "grace" ? 0 : row.publicIps;
    if ((given.get(row.id) ?? 0) !== paidFor) yield `contract ${row.id} has ${given.get(row.id) ?? 0} public addresses, it pays for ${paidFor}`;
    given.delete(row.id);
  }
  for (const [id] of given) yield `contract ${id} has public addresses and does not live`;
  for (const node of all) {
    const sum = sums.get(node.id) ?? NO_RESOURCES;
    if (!fits(sum, node.reserved) || !fits(node.reserved, sum)) yield `node ${node.id} reserves other than its contracts hold`;
    if (!fits(node.reserved, node.total)) yield `node ${node.id} promises more than it has`;
    if (farms.get(state, node.farmId) === undefined) yield `node ${node.id} stands in no farm`;
  }
}

/** Every active part is in exactly its solution, and a solution's purse counts what its parts cost. */
function* parts({ state, active, solutions: all }: World): Iterable<string> {
  const owner = new Map<number, number>();
  const costs = new Map(active.map((row) => [row.id, row.costPerHourUnits]));
  for (const solution of all) {
    let cost = 0n;
    for (const id of solution.parts) {
      if (owner.has(id)) yield `contract ${id} is part of solutions ${owner.get(id)} and ${solution.id}`;
      owner.set(id, solution.id);
      if (!costs.has(id)) yield `solution ${solution.id} lists contract ${id}, which does not live`;
      cost += costs.get(id) ?? 0n;
    }
    if (readPurse(state, solution.id).costPerHourUnits !== cost) yield `solution ${solution.id} counts another cost than its parts`;
    if (solution.state === "cancelled" && (solution.parts.length > 0 || solution.escrowUnits > 0n))
      yield `solution ${solution.id} left something over`;
    const named = solutionIdByName.get(state, solutionIdByName.of(solution.twinId, solution.name)) === solution.id;
    if (named !== (solution.state !== "cancelled")) yield `solution ${solution.id} is not found under its name, or still is`;
  }
  for (const row of active) {
    if ((owner.get(row.id) ?? null) !== row.solutionId)
      yield `contract ${row.id} belongs to ${row.solutionId}, listed in ${owner.get(row.id)}`;
    if (row.solutionId !== null && row.escrowUnits !== 0n) yield `part ${row.id} has money of its own`;
  }
}

function* indexes({ state, contracts: rows }: World): Iterable<string> {
  for (const row of rows) {
    const [life, other] = row.state === "deleted" ? (["d", "a"] as const) : (["a", "d"] as const);
    const keys = (side: "a" | "d"): string[] => [
      contractsByNode.key([nodeOf(row), side], row.id),
      contractsByTwin.key([row.twinId, side], row.id),
      ...(row.solutionId === null ? [] : [contractsBySolution.key([row.solutionId, side], row.id)]),
    ];
    if (keys(life).some((key) => state.get(key) === undefined)) yield `contract ${row.id} is missing from an index`;
    if (keys(other).some((key) => state.get(key) !== undefined)) yield `contract ${row.id} is in the wrong index`;
    if ((meters.get(state, row.id) !== undefined) !== (life === "a")) yield `contract ${row.id} has a meter too many or too few`;
    if (row.type === "name" && life === "a" && contractIdByName.get(state, row.name) !== row.id) yield `name ${row.name} leads elsewhere`;
  }
}

/** Exactly the entries that the things themselves remember. */
function* dueQueue({ state, active, solutions: all, nodes: machines }: World): Iterable<string> {
  const expected = new Set<string>();
  const expect = (kind: DueKind, id: number, timeMs: number): void => {
    if (timeMs !== 0) expected.add(dueKey({ kind, id, timeMs }));
  };
  for (const row of active) {
    const dueMs = meters.get(state, row.id)?.dueMs ?? 0;
    if ((dueMs === 0) !== (row.solutionId !== null)) yield `contract ${row.id} is settled by nobody or twice`;
    expect("contract", row.id, dueMs);
  }
  for (const row of all) {
    const { dueMs } = readPurse(state, row.id);
    if (row.parts.length > 0 && dueMs === 0) yield `solution ${row.id} is never settled`;
    expect("solution", row.id, dueMs);
  }
  for (const row of proposals.all(state)) {
    expect("proposal", row.id, row.state === "voting" ? row.endsAtMs : row.state === "passed" ? row.executesAtMs : 0);
  }
  for (const row of machines) {
    const dueMs = lives.get(state, row.id)?.dueMs ?? 0;
    if (row.up !== (dueMs !== 0)) yield `node ${row.id} is ${row.up ? "up" : "down"} and ${dueMs === 0 ? "not " : ""}watched`;
    expect("node", row.id, dueMs);
    expect("book", row.id, books.get(state, row.id)?.dueMs ?? 0);
  }
  const found = dueItems(state, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER).map(dueKey);
  for (const key of found) if (!expected.delete(key)) yield `the due queue has ${key}, which nobody remembers`;
  for (const key of expected) yield `the due queue lacks ${key}`;
}
