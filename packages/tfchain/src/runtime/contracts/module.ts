/**
 * Node, name and rent contracts. Capacity and addresses are reserved here, before any workload exists.
 *
 * Calls: create_node, create_name, create_rent, update_node, cancel and deposit by the owner, or for parts of a solution by its agent
 * within the budget; report and report_usage by the node.
 * Life: created -> grace (out of money: paused; processors, memory and addresses are let go, disks kept) -> created or deleted.
 * A rented node is its renter's alone; what runs there shares the rent's fate. A rent that nobody pays gives way to one that is paid.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import type { NameContract, RentContract } from "../../types/entities.ts";
import { paging } from "../store/paging.ts";
import { contractsCalls } from "./apply.ts";
import { indexed, neverOversold, rentsAreExclusive, spendIsCounted } from "./invariants.ts";
import { sliceContracts } from "./list.ts";
import { rentOf } from "./rent.ts";
import { contractIdByName, contracts, rentIdByNode } from "./store.ts";
import { usages } from "./usage.ts";

export const contractsModule = {
  calls: contractsCalls,
  queries: (state: StateReader): Pick<StateQueries, "contract" | "nameContract" | "contracts" | "contractsSlice" | "usage" | "rentByNode" | "rents"> => ({
    contract: (id) => contracts.get(state, id),
    nameContract: (name) => {
      const id = contractIdByName.get(state, name);
      return id === undefined ? undefined : (contracts.get(state, id) as NameContract | undefined);
    },
    contracts: (page) => sliceContracts(state, page).rows,
    contractsSlice: (page, lookAt) => sliceContracts(state, page, lookAt),
    usage: (contractId) => usages.get(state, contractId),
    rentByNode: (nodeId) => rentOf(state, nodeId),
    rents: (page) => rentIdByNode.list(state, paging(page)).flatMap((id) => (contracts.get(state, id) as RentContract | undefined) ?? []),
  }),
  invariants: [neverOversold, indexed, spendIsCounted, rentsAreExclusive],
} as const satisfies Module;
