/**
 * Contracts between two twins about work outside the grid's own resources. All that is paid goes to the service.
 *
 * Calls: create by either side; update by the service before both agreed; approve one version by each side; deposit by anybody for
 * the consumer; bill by the service: base fee by time, an hour at most, and a variable part within the agreed bound; cancel by
 * either side: the time since the last bill is paid, the rest returned. A bill that cannot be paid takes what is there and ends it.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import { paging } from "../store/paging.ts";
import { servicesCalls } from "./apply.ts";
import { services } from "./store.ts";

export const servicesModule = {
  calls: servicesCalls,
  queries: (state: StateReader): Pick<StateQueries, "service" | "services"> => ({
    service: (id) => services.get(state, id),
    services: (page) => services.list(state, paging(page)),
  }),
} as const satisfies Module;
