/**
 * CometBFT 0.38 as a light client sees it: header, commit and the validators that made it. Values are as on the wire, so
 * that every hash can be computed again; times are nanoseconds, because the seconds' fraction is signed.
 */
import { type Infer, s } from "@tfgrid/primitives";
import { LIGHT_LIMITS } from "../../limits.ts";
import { accountId, height, key32 } from "../../types/entities.ts";

/** Nanoseconds since the epoch, as CometBFT signs them. */
const timeNs = s.units();
/** Empty where CometBFT has none: the first block has no parent. */
const hashOrEmpty = s.hex({ maxLength: 32 });
/** First 20 bytes of the SHA-256 of a public key. */
const address = s.hex({ length: 20 });

export const cometBlockId = s.struct({
  hash: hashOrEmpty,
  /** The block in pieces, as it is gossiped. */
  parts: s.struct({ total: s.uint({ max: 0xffff_ffff }), hash: hashOrEmpty }),
});
export type CometBlockId = Infer<typeof cometBlockId>;

export const cometHeader = s.struct({
  /** `block`: CometBFT's block protocol; `app`: the state version that our Info answers. */
  version: s.struct({ block: s.uint(), app: s.uint() }),
  chainId: s.text({ minLength: 1, maxLength: 50 }),
  height,
  timeNs,
  lastBlockId: cometBlockId,
  lastCommitHash: hashOrEmpty,
  dataHash: hashOrEmpty,
  validatorsHash: key32,
  nextValidatorsHash: key32,
  consensusHash: hashOrEmpty,
  /** Root of the state after the block before this one. */
  appHash: key32,
  lastResultsHash: hashOrEmpty,
  evidenceHash: hashOrEmpty,
  proposerAddress: address,
});
export type CometHeader = Infer<typeof cometHeader>;

const vote = { validatorAddress: address, timeNs, signature: s.hex({ length: 64 }) };
/** One for each validator, in the validators' order (BlockIDFlag 1, 2 and 3). */
export const cometVote = s.union({ absent: s.struct({}), commit: s.struct(vote), nil: s.struct(vote) });
export type CometVote = Infer<typeof cometVote>;

export const cometCommit = s.struct({
  height,
  round: s.uint({ max: 0x7fff_ffff }),
  blockId: cometBlockId,
  votes: s.list(cometVote, { max: LIGHT_LIMITS.validators }),
});
export type CometCommit = Infer<typeof cometCommit>;

/** Ed25519 keys only: the ledger admits no other validators. */
export const cometValidator = s.struct({ publicKey: accountId, power: s.units({ min: 1n }) });
export type CometValidator = Infer<typeof cometValidator>;

export const cometSignedHeader = s.struct({
  header: cometHeader,
  commit: cometCommit,
  /** Those who made this block, in CometBFT's order: by power, then by address. */
  validators: s.list(cometValidator, { min: 1, max: LIGHT_LIMITS.validators }),
});
export type CometSignedHeader = Infer<typeof cometSignedHeader>;
