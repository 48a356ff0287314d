import type { ContractId } from "@tfgrid/primitives";
import type { ContractPage } from "../../types/client.ts";
import type { Contract } from "../../types/entities.ts";
import type { Slice, StateReader } from "../api.ts";
import { paging } from "../store/paging.ts";
import { mergeAscending, rows, takeSlice } from "../store/selection.ts";
import type { ListOptions } from "../store/table.ts";
import { contracts, contractsByNode, contractsBySolution, contractsByTwin, nodeOf } from "./store.ts";

/** Looks at `lookAt` rows at most, whatever is found. */
export function sliceContracts(state: StateReader, filter: ContractPage = {}, lookAt = Number.POSITIVE_INFINITY): Slice<Contract> {
  const { limit, ...from } = paging(filter);
  const { nodeId, solutionId, twinId, active } = filter;
  const matches = (row: Contract): boolean =>
    (nodeId === undefined || nodeOf(row) === nodeId) &&
    (solutionId === undefined || row.solutionId === solutionId) &&
    (twinId === undefined || row.twinId === twinId) &&
    (active === undefined || (row.state !== "deleted") === active);
  const index = contractIndex(state, filter, from);
  if (index === undefined) return takeSlice(contracts.all(state, from), { matches, limit, lookAt });
  const ids = active === undefined ? mergeAscending(index("a"), index("d")) : index(active ? "a" : "d");
  return takeSlice(
    rows(ids, (id) => contracts.get(state, id as ContractId)),
    { matches, limit, lookAt },
  );
}

/** The narrowest index that fits the filter. */
function contractIndex(
  state: StateReader,
  { nodeId, solutionId, twinId }: ContractPage,
  from: ListOptions,
): ((life: "a" | "d") => Iterable<number>) | undefined {
  if (solutionId !== undefined) return (life) => contractsBySolution.ids(state, [solutionId, life], from);
  if (nodeId !== undefined) return (life) => contractsByNode.ids(state, [nodeId, life], from);
  if (twinId !== undefined) return (life) => contractsByTwin.ids(state, [twinId, life], from);
  return undefined;
}
