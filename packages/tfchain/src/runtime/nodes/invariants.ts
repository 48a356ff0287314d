import type { World } from "../module.ts";
import { nodeOf } from "../contracts/store.ts";
import { isAsleep } from "./off.ts";
import { readLife } from "./store.ts";

/** What is wanted off has no contracts; who sleeps is not up, and the ledger knows since when. */
export function* sleepersHoldNothing({ state, active, nodes }: World): Iterable<string> {
  const used = new Set(active.map(nodeOf));
  for (const node of nodes) {
    if (node.power?.target === "down" && used.has(node.id)) yield `node ${node.id} is wanted off and has contracts`;
    if (isAsleep(node) && node.up) yield `node ${node.id} is up and asleep`;
    if (isAsleep(node) !== (readLife(state, node.id).sleep !== undefined)) yield `the sleep of node ${node.id} is counted by nobody or without it`;
  }
}
