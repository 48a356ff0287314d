/** Whether enough of the validators' power signed a block (the rules of CometBFT 0.38's light client). */
import { type Hex, hexToBytes, verifyZip215 } from "@tfgrid/primitives";
import { chainErrors } from "../errors.ts";
import { addressOf, cometHeaderHash, validatorsHash, voteSignBytes } from "./hash.ts";
import type { CometCommit, CometSignedHeader, CometValidator, CometVote } from "./types.ts";

/** Ed25519 by ZIP 215: CometBFT's rule for votes. A faster one may take its place if it decides the same. */
export type VerifySignature = (options: { readonly publicKey: Uint8Array; readonly message: Uint8Array; readonly signature: Uint8Array }) => boolean;

export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** More than this of the power makes a block. */
export const TWO_THIRDS: Fraction = { numerator: 2n, denominator: 3n };
/** More than this of a trusted set's power has at least one honest signer; less is never allowed as trust level. */
export const ONE_THIRD: Fraction = { numerator: 1n, denominator: 3n };

/** CometBFT's bound (MaxInt64 / 8): sums stay far from 64 bits. */
const MAX_TOTAL_POWER = (2n ** 63n - 1n) / 8n;

type CommitVote = Extract<CometVote, { type: "commit" }>;
const powerOf = (validators: readonly CometValidator[]): bigint => validators.reduce((sum, { power }) => sum + power, 0n);
const neededOf = (validators: readonly CometValidator[], { numerator, denominator }: Fraction): bigint => (powerOf(validators) * numerator) / denominator;

/**
 * That header, commit and validators belong together. The signatures are not checked here.
 * @throws GridError light.bad_header, light.bad_validators
 */
export function verifyParts(signed: CometSignedHeader): void {
  const { header, commit, validators } = signed;
  const { height } = header;
  const hash = cometHeaderHash(header);
  if (commit.height !== height || commit.blockId.hash !== hash) {
    throw chainErrors.fail("light.bad_header", {
      message: `The commit is for ${commit.blockId.hash} of height ${commit.height}; the header of height ${height} is ${hash}.`,
      details: { height, hash, commitHeight: commit.height, commitHash: commit.blockId.hash },
    });
  }
  const setHash = validatorsHash(validators);
  const keys = new Set(validators.map(({ publicKey }) => publicKey));
  if (setHash !== header.validatorsHash || keys.size !== validators.length || commit.votes.length !== validators.length || powerOf(validators) > MAX_TOTAL_POWER) {
    throw chainErrors.fail("light.bad_validators", {
      details: { height, validatorsHash: setHash, expectedHash: header.validatorsHash, validators: validators.length, votes: commit.votes.length },
    });
  }
}

interface Tally {
  readonly chainId: string;
  readonly commit: CometCommit;
  readonly needed: bigint;
  readonly verify: VerifySignature;
}

/** @throws GridError light.bad_header_signature */
function verifyVote({ chainId, commit, verify }: Tally, vote: CommitVote, publicKey: string): void {
  const message = voteSignBytes({ chainId, commit, timeNs: vote.timeNs });
  if (verify({ publicKey: hexToBytes(publicKey), message, signature: hexToBytes(vote.signature) })) return;
  throw chainErrors.fail("light.bad_header_signature", {
    message: `The signature of validator ${vote.validatorAddress} is not over this header.`,
    details: { height: commit.height, validator: vote.validatorAddress },
  });
}

/**
 * More than two thirds of the set's power signed. Stops at enough, as CometBFT does: later signatures are not looked at.
 * @throws GridError light.bad_validators, light.bad_header_signature, light.not_enough_power
 */
export function verifyOwnCommit(signed: CometSignedHeader, verify: VerifySignature = verifyZip215): void {
  const { header, commit, validators } = signed;
  const tally: Tally = { chainId: header.chainId, commit, needed: neededOf(validators, TWO_THIRDS), verify };
  let power = 0n;
  for (const [index, validator] of validators.entries()) {
    const vote = commit.votes[index];
    if (vote?.type !== "commit") continue;
    if (vote.validatorAddress !== addressOf(validator.publicKey)) {
      throw chainErrors.fail("light.bad_validators", {
        message: `Vote ${index} is not of the validator in this place.`,
        details: { height: commit.height, validator: vote.validatorAddress, expected: addressOf(validator.publicKey) },
      });
    }
    verifyVote(tally, vote, validator.publicKey);
    power += validator.power;
    if (power > tally.needed) return;
  }
  throw chainErrors.fail("light.not_enough_power", {
    details: { height: commit.height, power: power.toString(), neededMoreThan: tally.needed.toString() },
  });
}

/**
 * Whether more than `level` of an earlier, trusted set's power signed. False: take a header between.
 * @throws GridError light.bad_header_signature (also for a validator that is counted twice)
 */
export function signedByTrusted(options: {
  readonly signed: CometSignedHeader;
  readonly trusted: readonly CometValidator[];
  readonly level: Fraction;
  readonly verify?: VerifySignature | undefined;
}): boolean {
  const { signed, trusted, level, verify = verifyZip215 } = options;
  const { header, commit } = signed;
  const tally: Tally = { chainId: header.chainId, commit, needed: neededOf(trusted, level), verify };
  const byAddress = new Map<Hex, CometValidator>(trusted.map((validator) => [addressOf(validator.publicKey), validator]));
  const counted = new Set<Hex>();
  let power = 0n;
  for (const vote of commit.votes) {
    if (vote.type !== "commit") continue;
    const validator = byAddress.get(vote.validatorAddress);
    if (validator === undefined) continue;
    if (counted.has(vote.validatorAddress)) {
      throw chainErrors.fail("light.bad_header_signature", {
        message: `Validator ${vote.validatorAddress} is counted twice.`,
        details: { height: commit.height, validator: vote.validatorAddress },
      });
    }
    counted.add(vote.validatorAddress);
    verifyVote(tally, vote, validator.publicKey);
    power += validator.power;
    if (power > tally.needed) return true;
  }
  return false;
}
