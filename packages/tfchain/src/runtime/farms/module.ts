/**
 * Who brings 3Nodes: a unique name, public addresses, whether nodes are for rent as a whole only, what they cost, who is paid.
 *
 * Calls, by the farm's twin: create, update, add_ip and remove_ip (only while no contract has it), set_payout,
 * set_pricing (in percent of the ledger's prices, within what governance allows; dearer only after a notice), offer, delete (only
 * without nodes); accept by whom it is offered to; certify by a certifier. A node joins only with its farmer's signed token.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import { paging } from "../store/paging.ts";
import { farmsCalls } from "./apply.ts";
import { farmOffers, readPayout } from "./property.ts";
import { farmIdByName, farms } from "./store.ts";

export const farmsModule = {
  calls: farmsCalls,
  queries: (state: StateReader): Pick<StateQueries, "farm" | "farmByName" | "farms" | "farmPayout" | "farmOffer"> => ({
    farm: (id) => farms.get(state, id),
    farmByName: (name) => {
      const id = farmIdByName.get(state, name);
      return id === undefined ? undefined : farms.get(state, id);
    },
    farms: (page) => farms.list(state, paging(page)),
    farmPayout: (farmId) => readPayout(state, farmId),
    farmOffer: (farmId) => farmOffers.get(state, farmId),
  }),
} as const satisfies Module;
