import { farms } from "../farms/store.ts";
import type { World } from "../module.ts";
import { books } from "../rewards/books.ts";
import { allFarmWeight, farmWeight } from "./weight.ts";

/** A farm votes with what the books of its nodes say, and all farms together with the sum. */
export function* weightsAreCounted({ state, nodes }: World): Iterable<string> {
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
