/** Time-based work, and what of it the ledger's own program failed on. */
import { type Brand, type Infer, s } from "@tfgrid/primitives";
import { timeMs } from "./entities.ts";

/** What is due: a node's `book` (evidence, rewards), a contract's or a solution's bill or end of grace, a node's silence, a proposal's end. */
export const WORK_KINDS = ["book", "contract", "node", "proposal", "solution"] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

export type FailedWorkId = Brand<number, "FailedWorkId">;
export const failedWorkId = s.as<FailedWorkId>(s.uint({ min: 1 }));

/** Work that a bug of the ledger keeps from being done. Nothing of it has happened; it is tried again. */
export const failedWork = s.struct({
  id: failedWorkId,
  kind: s.oneOf(WORK_KINDS),
  /** Id of the contract, node (also of its book), proposal or solution. */
  subject: s.uint(),
  /** In the same words on every server; the server's log says more. */
  reason: s.text({ maxLength: 200 }),
  /** How often it failed, without success between. */
  failures: s.uint({ min: 1 }),
  firstFailedAtMs: timeMs,
  lastFailedAtMs: timeMs,
  retryAtMs: timeMs,
});
export type FailedWork = Infer<typeof failedWork>;
