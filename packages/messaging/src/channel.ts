/** Two twins' frames, whatever carries them: a libp2p stream or the memory of a simulation. */
export interface Channel {
  /** The next frame; undefined after the other side has ended its half. Rejects when the channel broke. */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when there is room for the next frame, so that a slow reader slows the writer. */
  write(frame: Uint8Array): Promise<void>;
  /** Ends our half after everything written. */
  close(): Promise<void>;
  /** Breaks both halves at once. */
  abort(reason: Error): void;
  /** Aborted as soon as the channel is gone, orderly or not. */
  readonly gone: AbortSignal;
}
