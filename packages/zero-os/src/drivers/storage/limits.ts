/** Bounds of the Linux storage driver. */
export const STORAGE_LIMITS = {
  /** Bytes that always stay free on the disk, so that the node itself can write its state and logs. */
  reserveBytes: 256 * 1024 * 1024,
  /** Milliseconds for checking or growing a file system of several TiB. */
  fileSystemTimeoutMs: 30 * 60_000,
} as const;
