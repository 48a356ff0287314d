/** What was set aside. It waits in the due queue for its next try, while the thing itself remembers when it was due first. */
import { type FailedWork, type FailedWorkId, type WorkKind, failedWork, failedWorkId } from "../../types/work.ts";
import type { StateReader } from "../api.ts";
import { padId, table } from "../store/table.ts";

export const failedWorks = table<FailedWorkId, FailedWork>({ prefix: "failed-work", schema: failedWork });
/** `KIND/SUBJECT`: each thing has one row at most. */
export const failedWorkIds = table<string, FailedWorkId>({ prefix: "failed-work-by-item", schema: failedWorkId });

export interface WorkItem {
  readonly kind: WorkKind;
  readonly id: number;
}
export const itemKey = ({ kind, id }: WorkItem): string => `${kind}/${padId(id)}`;

export function failureOf(state: StateReader, item: WorkItem): FailedWork | undefined {
  const id = failedWorkIds.get(state, itemKey(item));
  return id === undefined ? undefined : failedWorks.get(state, id);
}

/** When the thing will be looked at, which remembers `dueMs`. */
export const lookedAtMs = (state: StateReader, item: WorkItem, dueMs: number): number => failureOf(state, item)?.retryAtMs ?? dueMs;
