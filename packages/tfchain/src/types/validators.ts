/** Who makes blocks, as governance wants it, and what consensus caught validators at. */
import { type Infer, s } from "@tfgrid/primitives";
import { accountId, height, timeMs } from "./entities.ts";

export const VALIDATOR_LIMITS = {
  /** Validators at once: beyond it every block waits for too many signatures (109 bytes and one check each). */
  validators: 100,
  /** Of one validator. */
  power: 1_000_000,
  /** Of all together: no sum or product of powers can overflow, in no engine and no client. */
  totalPower: 10_000_000,
} as const;

export const validator = s.struct({ publicKey: accountId, power: s.uint({ min: 1, max: VALIDATOR_LIMITS.power }) });
export type Validator = Infer<typeof validator>;
export const validatorList = s.list(validator, { max: VALIDATOR_LIMITS.validators, min: 1 });

/** The set that is wanted: an engine with validators follows it, `solo` only keeps it. Ascending by key. */
export const validatorSet = s.struct({
  validators: s.list(validator, { max: VALIDATOR_LIMITS.validators }),
  /** Grows by one with every change; 0: as the genesis named it. */
  version: s.uint(),
  /** Block in which it was decided; engines follow two blocks later. */
  decidedAtHeight: height,
});
export type ValidatorSet = Infer<typeof validatorSet>;

/** First 20 bytes of SHA-256 of the public key: how consensus names a validator. */
export const validatorAddress = s.hex({ length: 20 });
export const MISBEHAVIOUR_KINDS = ["unknown", "duplicate_vote", "light_client_attack"] as const;

/** What an engine reports with a block: proven by consensus before it gets here. */
export const misbehaviourReport = s.struct({
  kind: s.oneOf(MISBEHAVIOUR_KINDS),
  address: validatorAddress,
  /** The validator's power then, and all validators' together. */
  power: s.uint(),
  totalPower: s.uint(),
  /** Of the offence. */
  height,
  timeMs,
});
export type MisbehaviourReport = Infer<typeof misbehaviourReport>;

export const misbehaviour = s.struct({
  ...misbehaviourReport.fields,
  id: s.uint({ min: 1 }),
  /** Null: a validator that was never in a set that this ledger knew. */
  publicKey: s.nullable(accountId),
  recordedAtHeight: height,
  recordedAtMs: timeMs,
});
export type Misbehaviour = Infer<typeof misbehaviour>;
