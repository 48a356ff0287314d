import type { SolutionId, TwinId } from "@tfgrid/primitives";
import type { ChainReader } from "../../types/client.ts";
import type { Solution } from "../../types/entities.ts";
import type { StateReader } from "../api.ts";
import { paging } from "../store/paging.ts";
import { rows, take } from "../store/selection.ts";
import { solutions, solutionsByAgent, solutionsByTwin } from "./store.ts";

type SolutionFilter = NonNullable<Parameters<ChainReader["solutions"]>[0]>;

export function listSolutions(state: StateReader, filter: SolutionFilter = {}): Solution[] {
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
