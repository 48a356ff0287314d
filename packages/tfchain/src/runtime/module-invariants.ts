/** What must hold in the modules beside contracts and solutions. */
import type { TwinId } from "@tfgrid/primitives";
import { readSpend, readStaked, stakes } from "./accounts/stake.ts";
import { farms } from "./farms/store.ts";
import type { Check } from "./invariants.ts";
import { allFarmWeight, farmWeight } from "./governance/weight.ts";
import { books } from "./rewards/books.ts";
import { rentOf } from "./contracts/rent.ts";
import { services } from "./services/store.ts";
import { partiesOf } from "./solutions/store.ts";
import { twins } from "./twins/store.ts";
import { TIES, type Tie, readTies } from "./twins/ties.ts";
import { validatorsHold } from "./validators/invariants.ts";

export const MODULE_CHECKS: readonly Check[] = [staking, spending, tied, rents, weights, validatorsHold];

function* staking({ state }: Parameters<Check>[0]): Iterable<string> {
  let total = 0n;
  for (const { amountUnits } of stakes.all(state)) total += amountUnits;
  if (total !== readStaked(state)) yield `stakes count ${total} units, ${readStaked(state)} are remembered`;
}

/** The total that discounts are measured by is what the active contracts cost. */
function* spending({ state, active }: Parameters<Check>[0]): Iterable<string> {
  const sums = new Map<TwinId, bigint>();
  for (const row of active) sums.set(row.twinId, (sums.get(row.twinId) ?? 0n) + row.costPerHourUnits);
  for (const { id } of twins.all(state)) {
    if (readSpend(state, id) !== (sums.get(id) ?? 0n)) yield `twin ${id} spends ${sums.get(id) ?? 0n} an hour, ${readSpend(state, id)} are remembered`;
    sums.delete(id);
  }
  for (const [id] of sums) yield `twin ${id} pays for contracts and does not exist`;
}

function* tied({ state, solutions }: Parameters<Check>[0]): Iterable<string> {
  const counts = new Map<TwinId, Record<Tie, number>>();
  const add = (id: TwinId, tie: Tie): void => {
    const row = counts.get(id) ?? { farms: 0, solutions: 0, services: 0 };
    counts.set(id, { ...row, [tie]: row[tie] + 1 });
  };
  for (const { twinId } of farms.all(state)) add(twinId, "farms");
  for (const row of solutions) if (row.state !== "cancelled") for (const id of new Set(partiesOf(row))) add(id, "solutions");
  for (const row of services.all(state)) if (row.state !== "ended") for (const id of [row.serviceTwinId, row.consumerTwinId]) add(id, "services");
  for (const { id } of twins.all(state)) {
    const counted = readTies(state, id);
    const found = counts.get(id) ?? { farms: 0, solutions: 0, services: 0 };
    const wrong = TIES.filter((tie) => counted[tie] !== found[tie]);
    if (wrong.length > 0) yield `twin ${id} is tied to other ${wrong.join(", ")} than it counts`;
    counts.delete(id);
  }
  for (const [id] of counts) yield `twin ${id} is a party and does not exist`;
}

/** One rent a node; on a rented node only its renter's contracts, paused exactly when the rent is. */
function* rents({ state, active }: Parameters<Check>[0]): Iterable<string> {
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

/** A farm votes with what the books of its nodes say, and all farms together with the sum. */
function* weights({ state, nodes }: Parameters<Check>[0]): Iterable<string> {
  const sums = new Map<number, bigint>();
  for (const { id, farmId } of nodes) sums.set(farmId, (sums.get(farmId) ?? 0n) + (books.get(state, id)?.voteWeight ?? 0n));
  let total = 0n;
  for (const { id } of farms.all(state)) {
    const sum = sums.get(id) ?? 0n;
    total += sum;
    if (farmWeight(state, id) !== sum) yield `farm ${id} weighs ${farmWeight(state, id)} in votes, its nodes ${sum}`;
  }
  if (allFarmWeight(state) !== total) yield `all farms weigh ${total} in votes, ${allFarmWeight(state)} are remembered`;
}
