import type { TwinId } from "@tfgrid/primitives";
import { farms } from "../farms/store.ts";
import type { World } from "../module.ts";
import { services } from "../services/store.ts";
import { partiesOf } from "../solutions/store.ts";
import { twins } from "./store.ts";
import { TIES, type Tie, readTies } from "./ties.ts";

/** What keeps a twin from being closed is what there is. */
export function* tiesAreCounted({ state, solutions }: World): Iterable<string> {
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
