import { NO_RESOURCES, type Resources, type TwinId, addResources, fits } from "@tfgrid/primitives";
import { readSpend } from "../accounts/stake.ts";
import { farms } from "../farms/store.ts";
import type { World } from "../module.ts";
import { twins } from "../twins/store.ts";
import { heldResources } from "./held.ts";
import { rentOf } from "./rent.ts";
import { contractRows, tallyRows } from "./rows.ts";
import { contractIdByName, contractsByNode, contractsBySolution, contractsByTwin, meters, nodeOf } from "./store.ts";

/** Nodes reserve exactly what their contracts hold, and never more than they have; addresses likewise. */
export function* neverOversold({ state, active, nodes: all }: World): Iterable<string> {
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

/** Each contract is found by its node, its owner and its solution, among the living or the past. */
export function* indexed({ state, contracts: rows }: World): Iterable<string> {
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
  for (const row of tallyRows.all(state)) {
    for (const { id } of row) if (contractRows.get(state, id) === undefined) yield `something is counted for contract ${id}, which does not exist`;
  }
}

/** The total that discounts are measured by is what the active contracts cost. */
export function* spendIsCounted({ state, active }: World): Iterable<string> {
  const sums = new Map<TwinId, bigint>();
  for (const row of active) sums.set(row.twinId, (sums.get(row.twinId) ?? 0n) + row.costPerHourUnits);
  for (const { id } of twins.all(state)) {
    if (readSpend(state, id) !== (sums.get(id) ?? 0n)) yield `twin ${id} spends ${sums.get(id) ?? 0n} an hour, ${readSpend(state, id)} are remembered`;
    sums.delete(id);
  }
  for (const [id] of sums) yield `twin ${id} pays for contracts and does not exist`;
}

/** One rent a node; on a rented node only its renter's contracts, paused exactly when the rent is. */
export function* rentsAreExclusive({ state, active }: World): Iterable<string> {
  for (const row of active) {
    if (row.type === "rent" && rentOf(state, row.nodeId)?.id !== row.id) yield `rent ${row.id} is not the rent of node ${row.nodeId}`;
    if (row.type !== "node") continue;
    const rent = rentOf(state, row.nodeId);
    if (rent === undefined) continue;
    if (rent.state === "deleted") yield `node ${row.nodeId} is under rent ${rent.id}, which has ended`;
    if (rent.twinId !== row.twinId) yield `contract ${row.id} is on the node that twin ${rent.twinId} rents`;
    if (rent.state === "grace" && row.state !== "grace") yield `contract ${row.id} runs while rent ${rent.id} is out of money`;
  }
}
