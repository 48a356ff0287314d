/**
 * What farmers earn: per period and node, by capacity, proven uptime, public traffic and addresses, at the price of TFT that was
 * frozen when the node registered; nothing below the minimal uptime or after a violation; minted up to the supply's cap, with a
 * receipt of every figure. By itself: each node's book is looked at once an interval of evidence and at the end of each period.
 */
import type { Module } from "../module.ts";
import type { StateQueries, StateReader } from "../api.ts";
import type { NodeId } from "@tfgrid/primitives";
import { dueBook, receiptsOf } from "./books.ts";

export const rewardsModule = {
  queries: (state: StateReader): Pick<StateQueries, "rewards"> => ({
    rewards: (nodeId) => receiptsOf(nodeId).list(state),
  }),
  due: {
    book: (context, id) => {
      dueBook(context, id as NodeId);
      return 1;
    },
  },
} as const satisfies Module;
