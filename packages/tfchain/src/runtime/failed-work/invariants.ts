import type { World } from "../module.ts";
import { dueName, dueItems } from "../store/due.ts";
import { failedWorkIds, failedWorks, itemKey } from "./store.ts";

/** Each is found by what it is about, and waits in the due queue for its next try. */
export function* failuresAreFound({ state }: World): Iterable<string> {
  const rows = [...failedWorks.all(state)];
  if (rows.length === 0 && [...failedWorkIds.all(state)].length === 0) return;
  const queued = new Set(dueItems(state, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER).map(dueName));
  for (const { id, kind, subject, retryAtMs } of rows) {
    const item = { kind, id: subject };
    if (failedWorkIds.get(state, itemKey(item)) !== id) yield `failed work ${id} is not found by ${kind} ${subject}`;
    if (!queued.has(dueName({ ...item, timeMs: retryAtMs }))) yield `failed work ${id} is tried by nobody`;
  }
  const ids = [...failedWorkIds.all(state)].length;
  if (ids !== rows.length) yield `${ids} things name failed work, of which there are ${rows.length}`;
}
