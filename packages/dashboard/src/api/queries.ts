/** Every read of the page by name, so that one event can refresh exactly what it touches. */
import { GridError } from "@tfgrid/primitives";
import { chain, type Contract, type Solution } from "@tfgrid/tfchain";
import { queryOptions } from "@tanstack/react-query";
import { fail } from "../errors.ts";
import { DASHBOARD_LIMITS as L } from "../limits.ts";
import { getJson, pathOf, type Query } from "./http.ts";
import type { ContractRow, EventRow, FarmRow, HeadAnswer, NodeDetail, NodeRow, PublicGrid, Stats, TwinRow } from "./types.ts";

const read = <T>(path: string, query?: Query) => ({
  queryKey: [path.split("/")[1] ?? path, path, query ?? {}] as const,
  queryFn: ({ signal }: { signal: AbortSignal }): Promise<T> => getJson<T>(pathOf(path, query), signal),
});

/** Ledger entities become their own types (money as bigint); a body that is none is an answer we cannot read. */
function parse<T>(schema: { fromJson(value: unknown): T }, value: unknown): T {
  try {
    return schema.fromJson(value);
  } catch (cause) {
    throw fail("dashboard.bad_answer", { cause });
  }
}

export interface SolutionDetail {
  readonly solution: Solution;
  readonly contracts: readonly Contract[];
}

export const nodesQuery = () => queryOptions(read<readonly NodeRow[]>("/nodes", { size: L.nodes }));
export const nodeQuery = (id: number) => queryOptions(read<NodeDetail>(`/nodes/${id}`));
export const statsQuery = () => queryOptions(read<Stats>("/stats"));
export const headQuery = () => queryOptions(read<HeadAnswer>("/head"));
export const farmsQuery = () => queryOptions(read<readonly FarmRow[]>("/farms", { size: L.rows }));
export const twinsQuery = () => queryOptions(read<readonly TwinRow[]>("/twins", { size: L.rows }));
export const contractsQuery = (query: Query) =>
  queryOptions(read<readonly ContractRow[]>("/contracts", { size: L.rows, sort_by: "contract_id", sort_order: "desc", ...query }));
export const timelineQuery = (id: number) => queryOptions(read<readonly EventRow[]>(`/solutions/${id}/timeline`, { size: L.timelineRows }));
export const eventsQuery = () => queryOptions(read<readonly EventRow[]>("/events", { size: L.feedRows }));

export const solutionsQuery = () =>
  queryOptions({
    queryKey: ["solutions", "/solutions", {}] as const,
    queryFn: async ({ signal }): Promise<readonly Solution[]> => {
      const rows = await getJson<readonly unknown[]>(pathOf("/solutions", { size: L.rows, sort_by: "solution_id", sort_order: "desc" }), signal);
      return rows.map((row) => parse(chain.solution, row));
    },
  });

export const solutionQuery = (id: number) =>
  queryOptions({
    queryKey: ["solutions", `/solutions/${id}`, {}] as const,
    queryFn: async ({ signal }): Promise<SolutionDetail> => {
      const { partIds, parts, ...rest } = await getJson<{ partIds: unknown; parts: readonly unknown[] }>(pathOf(`/solutions/${id}`), signal);
      return { solution: parse(chain.solution, { ...rest, parts: partIds }), contracts: parts.map((part) => parse(chain.contract, part)) };
    },
  });

/** `null`: this explorer publishes nothing. */
export const gridQuery = () =>
  queryOptions({
    queryKey: ["grid", "/grid", {}] as const,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }): Promise<PublicGrid | null> => {
      try {
        return await getJson<PublicGrid>(pathOf("/grid"), signal);
      } catch (error) {
        if (error instanceof GridError && error.code === "explorer.grid_not_published") return null;
        throw error;
      }
    },
  });
