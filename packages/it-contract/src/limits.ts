/** Bounds of the room, each with its unit and its reason. */
export const COMPOSE_LIMITS = {
  /** Characters of one Compose file: a large hand-written file with inline configs is about 200 KiB. */
  fileChars: 524_288,
  /** Levels of nesting; the deepest supported key (`deploy.resources.limits.cpus`) is at 7. */
  depth: 32,
  /** Values after aliases are expanded: stops exponential alias bombs long before memory is short. */
  values: 50_000,
  /** Nested `${A:-${B:-...}}` defaults; more is a mistake or an attack on the recursion. */
  interpolationDepth: 8,
  /** Characters of one value after interpolation: the largest that a document may hold. */
  valueChars: 524_288,
  /** Problems reported of one file; a person corrects the first ones first. */
  problems: 200,
  /** Characters of an env_file. */
  envFileChars: 262_144,
  /** Bytes of one config or secret, as in Docker. */
  fileBytes: 500_000,
} as const;

export const DEFAULTS = {
  /** A quarter of a core: enough for a small web service, small enough that a forgotten limit does not cost much. */
  cpuMilli: 250,
  /** Memory of a zmachine whose service names none. */
  memoryBytes: 268_435_456,
  /** Processes and threads of a zmachine whose service names no limit. */
  pids: 256,
  /** Writable layer over the image. */
  rootfsBytes: 536_870_912,
  /** Size of a volume that names none. */
  volumeBytes: 1_073_741_824,
  /** Size of a tmpfs that names none; it counts as the zmachine's memory. */
  tmpfsBytes: 67_108_864,
  /** Pause before a restart. */
  restartDelayMs: 1_000,
  /** From the stop signal to SIGKILL, as in Compose. */
  stopGraceMs: 10_000,
  /** Compose's own health check defaults. */
  healthIntervalMs: 30_000,
  /** A check that takes longer has failed, as in Compose. */
  healthTimeoutMs: 30_000,
  /** Failed checks in a row until unhealthy, as in Compose. */
  healthRetries: 3,
  /** Between two checks within the start period, as in Compose. */
  healthStartIntervalMs: 5_000,
  /** A new zmachine must stay up this long before the next is updated. */
  updateMonitorMs: 5_000,
} as const;

export const IMAGE_LIMITS = {
  /** A registry that has not answered by then is treated as unreachable. */
  resolveMs: 60_000,
  /** Bytes of skopeo's answer; a manifest of an index is a few KiB. */
  outputBytes: 4_194_304,
} as const;

export const AGENT_LIMITS = {
  /** Solutions reconciled at the same time: bounds memory and open requests; each waits for the network most of the time. */
  concurrency: 16,
  /** Events arrive in bursts (one per contract of a batch): wait this long so that one reconcile sees them all. */
  debounceMs: 20,
  /** Full look at every solution, in case a hint was lost. */
  resyncMs: 15_000,
  /** Between two looks at the ledger when its event stream is down. */
  followRetryMs: 1_000,
  /** First and largest delay after a failed reconcile. */
  retryMinMs: 500,
  /** Longest delay after failed reconciles. */
  retryMaxMs: 30_000,
  /** One reconcile that takes longer is ended and retried, so that a hanging request cannot hold a solution for ever. */
  reconcileMs: 60_000,
  /** Opened documents kept in memory; they are immutable, so that a miss costs a request only. */
  cachedDocuments: 256,
  /** Escrow that covers less than this many hours of running is announced. */
  escrowWarningHours: 24n,
  /** A reported failure of a new zmachine counts against an update only after so many restarts: one crash can be chance. */
  restartsUntilFailed: 2,
} as const;
