import { meters } from "../contracts/store.ts";
import { proposals } from "../governance/store.ts";
import type { World } from "../module.ts";
import { lives } from "../nodes/store.ts";
import { books } from "../rewards/books.ts";
import { readPurse } from "../solutions/store.ts";
import { type DueKind, dueName, dueItems } from "../store/due.ts";
import { lookedAtMs } from "../failed-work/store.ts";

/** Exactly the entries that the things themselves remember. */
export function* nothingIsForgotten({ state, active, solutions: all, nodes: machines }: World): Iterable<string> {
  const expected = new Set<string>();
  const expect = (kind: DueKind, id: number, timeMs: number): void => {
    if (timeMs !== 0) expected.add(dueName({ kind, id, timeMs: lookedAtMs(state, { kind, id }, timeMs) }));
  };
  for (const row of active) {
    const dueMs = meters.get(state, row.id)?.dueMs ?? 0;
    if ((dueMs === 0) !== (row.solutionId !== null)) yield `contract ${row.id} is settled by nobody or twice`;
    expect("contract", row.id, dueMs);
  }
  for (const row of all) {
    const { dueMs } = readPurse(state, row.id);
    if (row.parts.length > 0 && dueMs === 0) yield `solution ${row.id} is never settled`;
    expect("solution", row.id, dueMs);
  }
  for (const row of proposals.all(state)) {
    expect("proposal", row.id, row.state === "voting" ? row.endsAtMs : row.state === "passed" ? row.executesAtMs : 0);
  }
  for (const row of machines) {
    const dueMs = lives.get(state, row.id)?.dueMs ?? 0;
    if (row.up !== (dueMs !== 0)) yield `node ${row.id} is ${row.up ? "up" : "down"} and ${dueMs === 0 ? "not " : ""}watched`;
    expect("node", row.id, dueMs);
    expect("book", row.id, books.get(state, row.id)?.dueMs ?? 0);
  }
  const found = dueItems(state, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER).map(dueName);
  for (const key of found) if (!expected.delete(key)) yield `the due queue has ${key}, which nobody remembers`;
  for (const key of expected) yield `the due queue lacks ${key}`;
}
