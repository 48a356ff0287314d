/**
 * Frames of the ABCI socket: an unsigned LEB128 length and that many bytes. The other side is trusted to be cometbft, but a
 * length is never believed beyond a bound: whoever else reaches the socket must not fill the memory.
 */
import { cometErrors } from "./errors.ts";

/** A length below 2^35 takes at most five bytes. */
const MAX_LENGTH_BYTES = 5;

export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #held = 0;
  /** Bytes that are needed before anything more can be read. */
  #wanted = 1;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whole frames that are complete now, in order. @throws GridError cometbft.bad_frame: the connection is of no more use */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    // Pieces of a large frame are joined once, when it is complete.
    if (this.#held < this.#wanted) return [];
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#held);
    const frames: Uint8Array[] = [];
    let offset = 0;
    for (;;) {
      const head = this.#length(bytes, offset);
      if (head === undefined) {
        this.#wanted = bytes.length - offset + 1;
        break;
      }
      const end = offset + head.bytes + head.length;
      if (end > bytes.length) {
        this.#wanted = end - offset;
        break;
      }
      frames.push(bytes.subarray(offset + head.bytes, end));
      offset = end;
    }
    const rest = bytes.subarray(offset);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#held = rest.length;
    return frames;
  }

  #length(bytes: Uint8Array, offset: number): { readonly length: number; readonly bytes: number } | undefined {
    let length = 0;
    for (let index = 0; index < MAX_LENGTH_BYTES; index += 1) {
      const byte = bytes[offset + index];
      if (byte === undefined) return undefined;
      length += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return this.#bounded(length, index + 1);
    }
    throw cometErrors.fail("cometbft.bad_frame", { message: `A frame's length has more than ${MAX_LENGTH_BYTES} bytes.` });
  }

  #bounded(length: number, bytes: number): { readonly length: number; readonly bytes: number } {
    if (length > 0 && length <= this.#maxBytes) return { length, bytes };
    throw cometErrors.fail("cometbft.bad_frame", {
      message: `A frame of ${length} bytes was announced; 1 to ${this.#maxBytes} are accepted.`,
      details: { length, maxBytes: this.#maxBytes },
    });
  }
}

/** The length that goes before a frame of this many bytes. */
export function frameHead(length: number): Uint8Array {
  const out: number[] = [];
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest & 0x7f) | 0x80);
  out.push(rest);
  return Uint8Array.from(out);
}
