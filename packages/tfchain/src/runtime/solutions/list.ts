import type { SolutionId, TwinId } from "@tfgrid/primitives";
import type { SolutionPage } from "../../types/client.ts";
import type { Solution } from "../../types/entities.ts";
import type { Slice, StateReader } from "../api.ts";
import { paging } from "../store/paging.ts";
import { rows, takeSlice } from "../store/selection.ts";
import { solutions, solutionsByAgent, solutionsByTwin } from "./store.ts";

/** Looks at `lookAt` rows at most, whatever is found: a busy agent has many solutions, of which few are one twin's. */
export function sliceSolutions(state: StateReader, filter: SolutionPage = {}, lookAt = Number.POSITIVE_INFINITY): Slice<Solution> {
  const { twinId, agentTwinId } = filter;
  const { limit, ...from } = paging(filter);
  const matches = (row: Solution): boolean =>
    (twinId === undefined || row.twinId === twinId) && (agentTwinId === undefined || row.agentTwinId === agentTwinId);
  if (twinId === undefined && agentTwinId === undefined) return { rows: solutions.list(state, { ...from, limit }) };
  const ids =
    twinId === undefined ? solutionsByAgent.ids(state, [agentTwinId as TwinId], from) : solutionsByTwin.ids(state, [twinId], from);
  return takeSlice(
    rows(ids, (id) => solutions.get(state, id as SolutionId)),
    { matches, limit, lookAt },
  );
}
