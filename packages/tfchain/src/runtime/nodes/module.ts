/**
 * 3Nodes: what they have and what is reserved of it, where they are, whether they are up, maintenance.
 *
 * Calls: register with the farmer's token; update and heartbeat by the node itself; set_maintenance and
 * set_power (off only without contracts) by its farmer; sleep by the node, when its farmer wants it off; delete by either,
 * with contracts only when the notice of a drain is over; certify and report_violation by certifiers.
 * By itself: a node that slept is awake with its next heartbeat, and wanted on by whoever rents it; a node counts as down two intervals after its last heartbeat. Blocks further apart than engines let them be are a
 * standstill of the chain: that time is nobody's silence, and puts off every deadline that people have.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import type { NodeId } from "@tfgrid/primitives";
import { paging } from "../store/paging.ts";
import { nodesCalls } from "./apply.ts";
import { sleepersHoldNothing } from "./invariants.ts";
import { checkLiveness } from "./liveness.ts";
import { nodeByTwin, nodes } from "./store.ts";

export const nodesModule = {
  calls: nodesCalls,
  queries: (state: StateReader): Pick<StateQueries, "node" | "nodeByTwin" | "nodes"> => ({
    node: (id) => nodes.get(state, id),
    nodeByTwin: (twinId) => nodeByTwin(state, twinId),
    nodes: (page) => nodes.list(state, paging(page)),
  }),
  invariants: [sleepersHoldNothing],
  due: {
    node: (context, id) => {
      checkLiveness(context, id as NodeId);
      return 1;
    },
  },
} as const satisfies Module;
