/**
 * Long rows that are written once and seldom read (blocks, events, replaced values), compressed: their keys and fields repeat.
 * Only for what this program reads back itself. Other versions of the compressor give other bytes, so nothing that is
 * compared between servers may be packed.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { STATE_LIMITS } from "../limits.ts";

const KIND = { plain: 0, zstd: 1 } as const;
/** The fastest that still halves rows: blocks wait for it. */
const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export function pack(bytes: Uint8Array): Uint8Array {
  if (bytes.length < STATE_LIMITS.packedRowBytes) return withKind(KIND.plain, bytes);
  const packed = zstdCompressSync(bytes, OPTIONS);
  return packed.length < bytes.length ? withKind(KIND.zstd, packed) : withKind(KIND.plain, bytes);
}

/** @throws Error when the row is damaged */
export function unpack(row: Uint8Array): Uint8Array {
  const [kind] = row;
  const rest = row.subarray(1);
  if (kind === KIND.plain) return rest;
  if (kind === KIND.zstd) return zstdDecompressSync(rest);
  throw new Error(`a packed row is damaged: kind ${kind ?? "none"}`);
}

function withKind(kind: number, bytes: Uint8Array): Uint8Array {
  const row = new Uint8Array(1 + bytes.length);
  row[0] = kind;
  row.set(bytes, 1);
  return row;
}
