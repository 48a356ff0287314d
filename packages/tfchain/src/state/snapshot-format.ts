/**
 * A snapshot is the state alone: all its rows in the order of their keys, cut into chunks by one rule, so that every
 * validator's snapshot of one height has the same bytes and the same hash. Trees, old versions and blocks are left out; the
 * tree follows from the rows, and its root is compared with a trusted header before anything is believed.
 */
import { type Hex, type Infer, bytesToHex, decode, encode, hasCode, isGridError, s, sha256 } from "@tfgrid/primitives";
import { ENGINE_LIMITS, STATE_LIMITS } from "../limits.ts";
import { stateErrors } from "./errors.ts";

/** Grows with every change of chunks or description. */
export const SNAPSHOT_FORMAT = 1;

/** What is told about a snapshot before it is fetched: CometBFT carries its bytes as metadata. */
export const snapshotManifest = s.struct({
  format: s.uint(),
  chainId: s.text({ minLength: 1, maxLength: 64 }),
  height: s.uint(),
  /** Root of the state. */
  appHash: s.hex({ length: 32 }),
  rows: s.uint({ min: 1 }),
  /** SHA-256 of each chunk. */
  chunkHashes: s.list(s.hex({ length: 32 }), { min: 1, max: STATE_LIMITS.snapshotChunks }),
});
export type SnapshotManifest = Infer<typeof snapshotManifest>;

export interface SnapshotInfo {
  readonly manifest: SnapshotManifest;
  /** Canonical bytes of the manifest. */
  readonly metadata: Uint8Array;
  /** SHA-256 of `metadata`: the same on every validator. */
  readonly hash: Hex;
}

export function infoOf(manifest: SnapshotManifest): SnapshotInfo {
  const metadata = encode(snapshotManifest, manifest);
  return { manifest, metadata, hash: bytesToHex(sha256(metadata)) };
}

/** 33 bytes of CBOR for each hash, and room for the rest. */
const MAX_METADATA_BYTES = STATE_LIMITS.snapshotChunks * 35 + 1_024;

/** @throws GridError snapshot.format_unknown, snapshot.bad_manifest */
export function parseManifest(metadata: Uint8Array, format: number): SnapshotInfo {
  if (format !== SNAPSHOT_FORMAT) throw stateErrors.fail("snapshot.format_unknown", { details: { format, known: SNAPSHOT_FORMAT } });
  try {
    const info = infoOf(decode(snapshotManifest, metadata, { maxBytes: MAX_METADATA_BYTES }));
    if (info.manifest.format === format) return info;
  } catch (cause) {
    if (!isGridError(cause) || !["codec.too_large", "codec.not_canonical", "codec.invalid_value"].some((code) => hasCode(cause, code))) throw cause;
    throw stateErrors.fail("snapshot.bad_manifest", { message: `The snapshot's description is not valid: ${cause.message}`, cause });
  }
  throw stateErrors.fail("snapshot.bad_manifest");
}

/** SHA-256 of a chunk, on another thread: 4 MiB take longer than others should wait. */
export const digestAside = async (chunk: Uint8Array): Promise<Hex> => bytesToHex(new Uint8Array(await crypto.subtle.digest("SHA-256", chunk as Uint8Array<ArrayBuffer>)));

/** A row: lengths of key (2 bytes) and value (4 bytes), key, value. */
const ROW_HEAD_BYTES = 6;
export type Row = readonly [key: string, value: Uint8Array];

/**
 * Fills chunks with rows: a row that does not fit begins the next chunk. Rows are copied at once: thousands of them that waited for
 * their chunk would outlive one collection of garbage after another, and each would take as long as a block.
 */
export class ChunkPacker {
  readonly #chunkBytes: number;
  #filling: Buffer;
  /** The chunk that was given out last, until the next one is. */
  #given: Buffer;
  #bytes = 0;

  constructor(chunkBytes: number = STATE_LIMITS.snapshotChunkBytes) {
    this.#chunkBytes = chunkBytes;
    this.#filling = Buffer.allocUnsafeSlow(chunkBytes);
    this.#given = Buffer.allocUnsafeSlow(chunkBytes);
  }

  /** The chunk that is full now, if one is: its bytes hold until the next one is given. */
  add([key, value]: Row): Uint8Array | undefined {
    const size = ROW_HEAD_BYTES + key.length + value.length;
    const full = this.#bytes > 0 && this.#bytes + size > this.#chunkBytes ? this.end() : undefined;
    // A row that is larger than a chunk is one by itself.
    if (size > this.#filling.length) this.#filling = Buffer.allocUnsafeSlow(size);
    const at = this.#bytes;
    this.#filling.writeUInt16BE(key.length, at);
    this.#filling.writeUInt32BE(value.length, at + 2);
    this.#filling.write(key, at + ROW_HEAD_BYTES, "latin1");
    this.#filling.set(value, at + ROW_HEAD_BYTES + key.length);
    this.#bytes += size;
    return full;
  }

  /** What is left, if anything; holds as above. */
  end(): Uint8Array | undefined {
    if (this.#bytes === 0) return undefined;
    const chunk = this.#filling.subarray(0, this.#bytes);
    [this.#filling, this.#given] = [this.#given, this.#filling];
    this.#bytes = 0;
    return chunk;
  }
}

/** Rows of a chunk from a stranger, each key above `after` and the one before; read one by one. @throws GridError snapshot.chunk_invalid */
export function* rowsOfChunk(chunk: Uint8Array, after: string): Generator<Row, void> {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (bytes.length === 0) throw invalid("is empty");
  let last = after;
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < ROW_HEAD_BYTES) throw invalid("ends within a row");
    const keyEnd = at + ROW_HEAD_BYTES + bytes.readUInt16BE(at);
    const end = keyEnd + bytes.readUInt32BE(at + 2);
    if (end > bytes.length) throw invalid("ends within a row");
    const key = bytes.toString("latin1", at + ROW_HEAD_BYTES, keyEnd);
    if (key.length > ENGINE_LIMITS.keyBytes || !/^[\x20-\x7e]+$/.test(key)) throw invalid("has a key that no state has");
    if (end - keyEnd > STATE_LIMITS.valueBytes) throw invalid("has a value larger than any state's");
    if (key <= last) throw invalid("has keys that do not ascend");
    yield [key, bytes.subarray(keyEnd, end)];
    last = key;
    at = end;
  }
}

const invalid = (what: string): Error => stateErrors.fail("snapshot.chunk_invalid", { message: `The chunk ${what}.` });
