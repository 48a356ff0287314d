/** The header that a `solo` authority signs. */
import { type Hex, type Infer, bytesToHex, encode, s, sha256 } from "@tfgrid/primitives";
import { accountId, height, key32, timeMs } from "../types/entities.ts";

export const header = s.struct({
  chainId: s.text({ maxLength: 64 }),
  height,
  /** Never smaller than the parent's. */
  timeMs,
  /** Hash of the parent's header; zero bytes for the genesis. */
  parentHash: key32,
  /** `listRoot` over the hashes of the transactions, in block order. */
  txsRoot: key32,
  /** Root of the state after this block. */
  appHash: key32,
  authority: accountId,
});
export type Header = Infer<typeof header>;

/** Canonical DAG-CBOR: what is hashed and what is signed under `tfgrid/header/v1`. */
export const headerBytes = (value: Header): Uint8Array => encode(header, value);
export const headerHash = (value: Header): Hex => bytesToHex(sha256(headerBytes(value)));
