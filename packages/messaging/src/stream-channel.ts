/** Frames over a libp2p stream: four bytes of length, then the frame. */
import type { Stream, StreamMessageEvent } from "@libp2p/interface";
import { concatBytes } from "@tfgrid/primitives";
import type { Channel } from "./channel.ts";
import { messagingErrors } from "./errors.ts";
import { MAX_FRAME_BYTES } from "./frames.ts";

const HEADER_BYTES = 4;

/** What may wait in our memory for the reader's window, beside the frame being written. */
const MAX_UNSENT_BYTES = 65_536;

/**
 * The stream's send queue moved on, or the stream is gone. The library's own `onDrain` keeps its first promise and
 * resolves at once ever after, so that a slow reader would not slow the writer: the events are awaited here instead.
 */
function moved(stream: Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (event: Event): void => {
      for (const name of ["drain", "idle", "close"] as const) stream.removeEventListener(name, done);
      if (event.type === "close") reject(new Error("the stream is closed"));
      else resolve();
    };
    for (const name of ["drain", "idle", "close"] as const) stream.addEventListener(name, done);
  });
}

async function writeFrame(stream: Stream, frame: Uint8Array): Promise<void> {
  const header = new Uint8Array(HEADER_BYTES);
  new DataView(header.buffer).setUint32(0, frame.length);
  try {
    stream.send(concatBytes(header, frame));
    while (stream.writeBufferLength > MAX_UNSENT_BYTES) await moved(stream);
  } catch (cause) {
    throw messagingErrors.fail("messaging.stream_lost", { cause });
  }
}

interface Waiter {
  readonly resolve: (frame: Uint8Array | undefined) => void;
  readonly reject: (error: Error) => void;
}

export function streamChannel(stream: Stream): Channel {
  const frames = new FrameReader();
  const gone = new AbortController();
  let waiter: Waiter | undefined;
  let failure: Error | undefined;

  const settle = (): void => {
    if (waiter === undefined) return;
    const { resolve, reject } = waiter;
    const frame = frames.take();
    if (frame === undefined && failure === undefined && !frames.ended) return;
    waiter = undefined;
    if (frame !== undefined) resolve(frame);
    else if (failure === undefined) resolve(undefined);
    else reject(failure);
  };
  const fail = (error: Error): void => {
    failure ??= error;
    settle();
  };
  const onMessage = (event: StreamMessageEvent): void => {
    try {
      frames.push(event.data.subarray());
    } catch (error) {
      stream.abort(error as Error);
      fail(error as Error);
      return;
    }
    settle();
    // Nobody waits for more: stop taking bytes, so that the sender's window fills up and it waits too.
    if (waiter === undefined && frames.hasFrame && stream.readStatus === "readable") stream.pause();
  };
  const onEnd = (): void => {
    frames.ended = true;
    settle();
  };
  const onClose = (event: Event & { readonly error?: Error }): void => {
    if (event.error !== undefined) failure ??= messagingErrors.fail("messaging.stream_lost", { cause: event.error });
    onEnd();
    gone.abort(event.error ?? new Error("the stream is closed"));
  };
  stream.addEventListener("end", onEnd);
  stream.addEventListener("close", onClose);
  stream.addEventListener("message", onMessage);
  if (stream.readableEnded) onEnd();

  return {
    gone: gone.signal,
    read: () =>
      new Promise((resolve, reject) => {
        if (waiter !== undefined) throw new Error("a channel has one reader");
        waiter = { resolve, reject };
        settle();
        if (waiter !== undefined && stream.readStatus === "paused") stream.resume();
      }),
    write: (frame) => writeFrame(stream, frame),
    close: async () => {
      await stream.close();
      // The other half may still hold a paused frame that nobody will read.
      if (stream.readStatus === "paused") stream.resume();
    },
    abort: (reason) => {
      stream.abort(reason);
      fail(reason);
      if (!gone.signal.aborted) gone.abort(reason);
    },
  };
}

/** Cuts a byte stream into frames; holds at most one frame and what one window brings beside it. */
class FrameReader {
  ended = false;
  private parts: Uint8Array[] = [];
  private size = 0;

  push(bytes: Uint8Array): void {
    this.parts.push(bytes);
    this.size += bytes.length;
    this.expected();
  }

  get hasFrame(): boolean {
    const length = this.expected();
    return length !== undefined && this.size >= HEADER_BYTES + length;
  }

  take(): Uint8Array | undefined {
    const length = this.expected();
    if (length === undefined || this.size < HEADER_BYTES + length) return undefined;
    const all = concatBytes(...this.parts);
    const rest = all.subarray(HEADER_BYTES + length);
    this.parts = rest.length === 0 ? [] : [rest];
    this.size = rest.length;
    return all.subarray(HEADER_BYTES, HEADER_BYTES + length);
  }

  /** Length of the frame that is coming; refused before a byte of it is kept. */
  private expected(): number | undefined {
    if (this.size < HEADER_BYTES) return undefined;
    const head = this.parts[0];
    if (head === undefined) return undefined;
    if (head.length < HEADER_BYTES) this.parts = [concatBytes(...this.parts)];
    const first = this.parts[0] as Uint8Array;
    const length = new DataView(first.buffer, first.byteOffset, first.byteLength).getUint32(0);
    if (length > MAX_FRAME_BYTES) {
      throw messagingErrors.fail("messaging.too_large", { details: { sizeBytes: length, maxBytes: MAX_FRAME_BYTES } });
    }
    return length;
  }
}
