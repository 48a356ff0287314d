import type { ContractId } from "@tfgrid/primitives";
import type { ReputationSubject } from "../../types/client.ts";
import { type Dispute, type DisputeId, type Review, type Standing, dispute, disputeId, review, standing } from "../../types/merit.ts";
import type { Context } from "../context.ts";
import { padId, table } from "../store/table.ts";
import { NO_STANDING, fade } from "./fade.ts";

/** By `n/NODE`, `f/FARM`, `t/TWIN`. */
export const standings = table<string, Standing>({ prefix: "standing", schema: standing });
export const reviews = table<ContractId, Review>({ prefix: "review", schema: review });
export const disputes = table<DisputeId, Dispute>({ prefix: "dispute", schema: dispute });
/** One a contract, for ever. */
export const disputeIdByContract = table<ContractId, DisputeId>({ prefix: "dispute-by-contract", schema: disputeId });

export type Subject = ReputationSubject;
export function subjectKey(subject: Subject): string {
  if ("nodeId" in subject) return `n/${padId(subject.nodeId)}`;
  return "farmId" in subject ? `f/${padId(subject.farmId)}` : `t/${padId(subject.twinId)}`;
}

type Added = { readonly [K in keyof Omit<Standing, "fadedToMs">]?: Standing[K] };

/** Faded to now, then added to. */
export function addEvidence({ state, block }: Pick<Context, "state" | "block">, subjects: readonly Subject[], added: Added): void {
  for (const subject of subjects) {
    const key = subjectKey(subject);
    const row = fade(state, standings.get(state, key) ?? NO_STANDING, block.timeMs);
    standings.put(state, key, sum(row, added));
  }
}

const sum = (row: Standing, added: Added): Standing => ({
  upMs: row.upMs + (added.upMs ?? 0),
  downMs: row.downMs + (added.downMs ?? 0),
  announcedDownMs: row.announcedDownMs + (added.announcedDownMs ?? 0),
  fulfilledUnits: row.fulfilledUnits + (added.fulfilledUnits ?? 0n),
  failedUnits: row.failedUnits + (added.failedUnits ?? 0n),
  reviewedUnits: row.reviewedUnits + (added.reviewedUnits ?? 0n),
  praisedUnits: row.praisedUnits + (added.praisedUnits ?? 0n),
  announcedMilli: row.announcedMilli + (added.announcedMilli ?? 0),
  unannouncedMilli: row.unannouncedMilli + (added.unannouncedMilli ?? 0),
  violationsMilli: row.violationsMilli + (added.violationsMilli ?? 0),
  disputesMilli: row.disputesMilli + (added.disputesMilli ?? 0),
  fadedToMs: row.fadedToMs,
});
