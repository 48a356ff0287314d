/** Hashes of CometBFT 0.38 and the bytes that its validators sign (spec/core/data_structures.md, spec/core/encoding.md). */
import { type Hex, bytesToHex, concatBytes, hexToBytes, sha256 } from "@tfgrid/primitives";
import { listRoot } from "../merkle.ts";
import { bytesField, messageField, sfixed64Field, textField, timestamp, uintField, varint } from "./proto.ts";
import type { CometBlockId, CometCommit, CometHeader, CometValidator } from "./types.ts";

const ADDRESS_BYTES = 20;
/** SignedMsgType of a precommit. */
const PRECOMMIT = 2;

const blockIdBytes = ({ hash, parts }: CometBlockId): Uint8Array =>
  concatBytes(bytesField(1, hexToBytes(hash)), messageField(2, concatBytes(uintField(1, parts.total), bytesField(2, hexToBytes(parts.hash)))));

/** Merkle root over the fields, each in its own message, in the header's order. */
export function cometHeaderHash(header: CometHeader): Hex {
  const wrapped = (value: Hex): Uint8Array => bytesField(1, hexToBytes(value));
  const fields = [
    concatBytes(uintField(1, header.version.block), uintField(2, header.version.app)),
    textField(1, header.chainId),
    uintField(1, header.height),
    timestamp(header.timeNs),
    blockIdBytes(header.lastBlockId),
    wrapped(header.lastCommitHash),
    wrapped(header.dataHash),
    wrapped(header.validatorsHash),
    wrapped(header.nextValidatorsHash),
    wrapped(header.consensusHash),
    wrapped(header.appHash),
    wrapped(header.lastResultsHash),
    wrapped(header.evidenceHash),
    wrapped(header.proposerAddress),
  ];
  return bytesToHex(listRoot(fields));
}

/** Over keys and powers (SimpleValidator), in the order of the set. */
export function validatorsHash(validators: readonly CometValidator[]): Hex {
  const leaves = validators.map(({ publicKey, power }) =>
    concatBytes(messageField(1, bytesField(1, hexToBytes(publicKey))), uintField(2, power)),
  );
  return bytesToHex(listRoot(leaves));
}

export const addressOf = (publicKey: string): Hex => bytesToHex(sha256(hexToBytes(publicKey)).subarray(0, ADDRESS_BYTES));

/** Length-delimited CanonicalVote of a precommit for the commit's block, as of `timeNs`. */
export function voteSignBytes(options: { readonly chainId: string; readonly commit: CometCommit; readonly timeNs: bigint }): Uint8Array {
  const { chainId, commit, timeNs } = options;
  const vote = concatBytes(
    uintField(1, PRECOMMIT),
    sfixed64Field(2, commit.height),
    sfixed64Field(3, commit.round),
    messageField(4, blockIdBytes(commit.blockId)),
    messageField(5, timestamp(timeNs)),
    textField(6, chainId),
  );
  return concatBytes(varint(BigInt(vote.length)), vote);
}
