/** Chains as CometBFT makes them, signed with test keys: for what no honest network would ever show. */
import { type KeyObject, createPrivateKey, sign } from "node:crypto";
import { type AccountId, type Height, type Hex, type KeyPair, bytesToHex, hexToBytes, sha256, utf8 } from "@tfgrid/primitives";
import {
  type CometHeader,
  type CometHeaderProof,
  type CometValidator,
  type CometVote,
  type HeaderSource,
  addressOf,
  chainErrors,
  cometHeaderHash,
  validatorsHash,
  voteSignBytes,
} from "../../src/light/index.ts";
import { testKey } from "../../src/testing.ts";

const NS_PER_MS = 1_000_000n;
export const CHAIN_ID = "comet-chain";
export const BLOCK_MS = 1_000;
export const digest = (text: string): Hex => bytesToHex(sha256(utf8(text)));

export interface Member {
  readonly key: KeyPair;
  readonly power: bigint;
}
export const member = (name: string, power = 10n): Member => ({ key: testKey(`validator ${name}`), power });

/** CometBFT's order of a set. */
const ordered = (members: readonly Member[]): readonly Member[] =>
  members.toSorted((a, b) => Number(b.power - a.power) || (addressOf(a.key.account) < addressOf(b.key.account) ? -1 : 1));
export const validatorsOf = (members: readonly Member[]): readonly CometValidator[] =>
  ordered(members).map(({ key, power }) => ({ publicKey: key.account as string as AccountId, power }));

export interface ChainSpec {
  readonly heights: number;
  readonly membersAt: (height: number) => readonly Member[];
  readonly genesisMs: number;
  /** Who signs; default: all. */
  readonly signs?: (height: number, member: Member) => boolean;
  readonly appHashAt?: (height: number) => Hex;
}

export interface SignOptions {
  readonly header: CometHeader;
  readonly members: readonly Member[];
  readonly signs?: (member: Member) => boolean;
}

/** What stands before the seed in PKCS #8 (RFC 8410 section 7). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const known = new Map<string, KeyObject>();
function signatureOf(key: KeyPair, message: Uint8Array): Hex {
  const made = known.get(key.account) ?? createPrivateKey({ key: Buffer.concat([PKCS8, key.secretSeed]), format: "der", type: "pkcs8" });
  known.set(key.account, made);
  return bytesToHex(sign(null, message, made));
}

/** A header with the votes of those who sign it. */
export function signHeader({ header, members, signs = () => true }: SignOptions): CometHeaderProof {
  const blockId = { hash: cometHeaderHash(header), parts: { total: 1, hash: digest(`parts ${header.height}`) } };
  const draft = { height: header.height, round: 0, blockId, votes: [] as readonly CometVote[] };
  const votes = ordered(members).map((one): CometVote => {
    if (!signs(one)) return { type: "absent" };
    const timeNs = header.timeNs + 5n;
    const message = voteSignBytes({ chainId: header.chainId, commit: draft, timeNs });
    return { type: "commit", validatorAddress: addressOf(one.key.account), timeNs, signature: signatureOf(one.key, message) };
  });
  return { type: "cometbft", header, commit: { ...draft, votes }, validators: validatorsOf(members) };
}

export function makeChain(spec: ChainSpec): readonly CometHeaderProof[] {
  const { heights, membersAt, genesisMs, signs = () => true, appHashAt = (height) => digest(`state ${height}`) } = spec;
  const chain: CometHeaderProof[] = [];
  let last: CometHeader["lastBlockId"] = { hash: "" as Hex, parts: { total: 0, hash: "" as Hex } };
  for (let height = 1; height <= heights; height += 1) {
    const members = membersAt(height);
    const header: CometHeader = {
      version: { block: 11, app: 1 },
      chainId: CHAIN_ID,
      height: height as Height,
      timeNs: BigInt(genesisMs + height * BLOCK_MS) * NS_PER_MS + BigInt(height),
      lastBlockId: last,
      lastCommitHash: digest(`commit ${height - 1}`),
      dataHash: digest(`data ${height}`),
      validatorsHash: validatorsHash(validatorsOf(members)),
      nextValidatorsHash: validatorsHash(validatorsOf(membersAt(height + 1))),
      consensusHash: digest("consensus"),
      appHash: appHashAt(height - 1),
      lastResultsHash: digest(`results ${height - 1}`),
      evidenceHash: digest("evidence"),
      proposerAddress: addressOf((members[0] as Member).key.account),
    };
    const signed = signHeader({ header, members, signs: (one) => signs(height, one) });
    chain.push(signed);
    last = signed.commit.blockId;
  }
  return chain;
}

export interface CountingSource extends HeaderSource {
  readonly asked: (number | undefined)[];
}

/** A server of these headers, from `first` on. */
export function sourceOf(chain: readonly CometHeaderProof[], options: { readonly url?: string; readonly first?: number } = {}): CountingSource {
  const { url = "http://primary", first = 1 } = options;
  const asked: (number | undefined)[] = [];
  return {
    url,
    asked,
    header: (height) => {
      asked.push(height);
      if (height !== undefined && height < first) return Promise.reject(chainErrors.fail("chain.height_pruned", { details: { firstRetainedHeight: first } }));
      const found = height === undefined ? chain.at(-1) : chain.find(({ header }) => header.height === height);
      return found === undefined ? Promise.reject(chainErrors.fail("chain.height_unknown")) : Promise.resolve(found);
    },
  };
}

/** Any byte of hex text turned. */
export const flipByte = (value: Hex, at: number): Hex => {
  const bytes = hexToBytes(value);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytesToHex(bytes);
};
