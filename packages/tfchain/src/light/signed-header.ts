/** A header with what makes it true, of either engine; and what both kinds of header say, in one form. */
import { type Height, type Hex, type Infer, s } from "@tfgrid/primitives";
import { cometHeaderHash } from "./comet/hash.ts";
import { cometSignedHeader } from "./comet/types.ts";
import { header, headerHash } from "./header.ts";

export const soloSignedHeader = s.struct({ header, signature: s.hex({ length: 64 }) });
export const signedHeader = s.union({ solo: soloSignedHeader, cometbft: cometSignedHeader });
export type SignedHeader = Infer<typeof signedHeader>;
export type SoloHeader = Extract<SignedHeader, { type: "solo" }>;
export type CometHeaderProof = Extract<SignedHeader, { type: "cometbft" }>;

export interface HeaderFacts {
  readonly chainId: string;
  readonly height: Height;
  readonly timeMs: number;
  readonly hash: Hex;
  /** Root of the state after block `stateHeight`. */
  readonly appHash: Hex;
  /** `solo` signs a block with its state; CometBFT signs a state with the block after it. */
  readonly stateHeight: Height;
}

const NS_PER_MS = 1_000_000n;

/** What a header says, whoever signed it: nothing is verified here. */
export function factsOf(signed: SignedHeader): HeaderFacts {
  const { chainId, height, appHash } = signed.header;
  const common = { chainId, height, appHash };
  if (signed.type === "solo") return { ...common, timeMs: signed.header.timeMs, hash: headerHash(signed.header), stateHeight: height };
  const stateHeight = Math.max(height - 1, 0) as Height;
  return { ...common, timeMs: Number(signed.header.timeNs / NS_PER_MS), hash: cometHeaderHash(signed.header), stateHeight };
}
