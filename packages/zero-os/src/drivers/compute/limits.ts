/** Bounds of the Linux compute driver, each with unit and reason. */
export const COMPUTE_LIMITS = {
  /** Ids in one user namespace: every uid and gid that a 16-bit era image can contain. */
  idsPerRange: 65_536,
  /** First host id of the ranges: above all that distributions and login managers hand out by themselves. */
  firstHostId: 1_073_741_824,
  /** Ranges of one node; contracts share them by number modulo this. Ends below 2^31, where old tools turn negative. */
  idRanges: 16_384,
  /** Bytes of a zmachine's log file; conmon starts a fresh file when it is full. */
  logBytes: 8 * 1024 * 1024,
  /** Bytes of one log line given out; a longer line is cut there. */
  logLineBytes: 64 * 1024,
  /** Lines that one call of `logs` looks back. */
  logTailLines: 100_000,
  /** Bytes kept from the output of a program that we run; its end says why it failed. */
  programOutputBytes: 64 * 1024,
  /** Bytes of a health test's output kept for the owner. */
  probeOutputBytes: 4096,
  /** Bytes of memory-backed storage for secrets and configs beyond their contents: inodes and rounding. */
  filesOverheadBytes: 256 * 1024,
  /** Bytes of /dev/shm, as in Docker. */
  sharedMemoryBytes: 64 * 1024 * 1024,
  /** Milliseconds for a local system program (mount, mkfs, runtime) before it counts as hung. */
  programTimeoutMs: 60_000,
  /** Milliseconds for unpacking an image of several GiB on a slow disk. */
  unpackTimeoutMs: 30 * 60_000,
  /** Milliseconds until a killed zmachine must be gone. */
  killTimeoutMs: 10_000,
  /** Milliseconds between looks at a process whose end sends no event. */
  pollMs: 20,
  /** Milliseconds between looks at a followed log, in case a change event was lost. */
  followPollMs: 1000,
  /** Open files of a zmachine's processes, as in Docker on Debian. */
  openFiles: 1_048_576,
  /** Symbolic links followed while looking up a path inside an image, as in the kernel. */
  symlinkDepth: 40,
  /** Bytes of an image's /etc/passwd or /etc/group that are read. */
  accountFileBytes: 1024 * 1024,
  /** Bytes of an image's configuration. */
  imageConfigBytes: 4 * 1024 * 1024,
} as const;
