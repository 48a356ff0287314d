/** Time-based work of a block: nodes that fell silent, bills that are due, grace, votes and periods that are over. Bounded; the rest waits. */
import { type Payouts, payOut } from "./billing/settle.ts";
import type { Context } from "./context.ts";
import { dueWorkCell } from "./due-pace.ts";
import { RUNTIME_LIMITS } from "./limits.ts";
import { DUE_HANDLERS } from "./modules.ts";
import { dueItems } from "./store/due.ts";

/** In a block that `isDue`. */
export function carryOutDue(context: Context): void {
  const payouts: Payouts = new Map();
  let work = 0;
  for (const { kind, id } of dueItems(context.state, context.block.timeMs, RUNTIME_LIMITS.dueWorkPerBlock)) {
    if (work >= RUNTIME_LIMITS.dueWorkPerBlock) break;
    work += DUE_HANDLERS[kind](context, id, payouts);
  }
  payOut(context.state, payouts);
  // What is left over is not gathered: it goes on in the next block.
  if (work < RUNTIME_LIMITS.dueWorkPerBlock) dueWorkCell.put(context.state, context.block.timeMs);
}
