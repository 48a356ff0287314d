/** A read that keeps itself fresh: by events while they come, by polling otherwise. */
import { type QueryKey, type UseQueryOptions, type UseQueryResult, useQuery } from "@tanstack/react-query";
import { DASHBOARD_LIMITS as L } from "../limits.ts";
import { useLive } from "./live.ts";

export function useRead<T, K extends QueryKey>(options: UseQueryOptions<T, Error, T, K>): UseQueryResult<T> {
  const live = useLive();
  return useQuery({ ...options, refetchInterval: live === "live" ? L.refreshLiveMs : L.refreshPollMs });
}
