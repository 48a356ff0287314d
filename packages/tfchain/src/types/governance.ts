/** Proposals and votes. */
import { type Brand, type Infer, s } from "@tfgrid/primitives";
import * as e from "./entities.ts";
import { charter, osRelease, terms, upgrade } from "./policy.ts";
import { validatorList } from "./validators.ts";

export type ProposalId = Brand<number, "ProposalId">;
export const proposalId = s.as<ProposalId>(s.uint({ min: 1 }));

/** What a proposal would do. Parameters are named in the ledger's table, each with its range. */
export const change = s.union({
  parameter: s.struct({ name: s.text({ maxLength: 80 }), value: s.uint() }),
  certifiers: s.struct({ accounts: charter.fields.certifiers }),
  feeders: s.struct({ accounts: charter.fields.feeders }),
  validators: s.struct({ validators: validatorList }),
  os_release: osRelease,
  terms,
  upgrade,
});
export type Change = Infer<typeof change>;

/**
 * `voting` -> `rejected`, or `passed` and locked -> `vetoed`, or carried out: `executed`, `failed` when it could not be any more.
 * Power counts in millionths of all farms' capacity and of all stake: two million in all.
 */
export const proposal = s.struct({
  id: proposalId,
  proposerTwinId: e.twinId,
  change,
  /** Reasons, in the digital notary. */
  document: s.nullable(s.cid),
  state: s.oneOf(["voting", "rejected", "passed", "vetoed", "executed", "failed"]),
  createdAtMs: e.timeMs,
  endsAtMs: e.timeMs,
  /** End of the time lock. */
  executesAtMs: e.timeMs,
  /** As they were when it was proposed: capacity (2 x CU + SU, in millionths) and stake. */
  farmTotal: s.units(),
  stakeTotal: s.units(),
  ayes: s.uint(),
  nays: s.uint(),
  /** Twins in favour. */
  ayeVoters: s.uint(),
  vetoes: s.uint(),
  vetoVoters: s.uint(),
  depositUnits: s.units(),
});
export type Proposal = Infer<typeof proposal>;

export const vote = s.struct({ twinId: e.twinId, approve: s.bool, power: s.uint() });
export type Vote = Infer<typeof vote>;

export const parameter = s.struct({ name: s.text({ maxLength: 80 }), value: s.uint(), min: s.uint(), max: s.uint() });
export type Parameter = Infer<typeof parameter>;
