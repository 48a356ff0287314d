import { bytesToHex, decode, domainBytes, sha256 } from "@tfgrid/primitives";
import { signedTransaction } from "../../types/calls.ts";
import type { DecodedTx } from "../api.ts";

/** Canonical bytes around the body: map(2), "body"; then "signature", byte string of 64. */
const HEAD_BYTES = 1 + 5;
const TAIL_BYTES = 10 + 2 + 64;

/** @throws GridError codec.* */
export function decodeTx(bytes: Uint8Array, maxBytes: number): DecodedTx {
  const tx = decode(signedTransaction, bytes, { maxBytes });
  // Decoding proved the bytes canonical, so the body's own encoding lies in them as it was signed.
  const body = bytes.subarray(HEAD_BYTES, bytes.length - TAIL_BYTES);
  return { tx, hash: bytesToHex(sha256(bytes)), signBytes: domainBytes("tfgrid/tx/v1", body), sizeBytes: bytes.length };
}
