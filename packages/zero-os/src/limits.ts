/** Bounds of the 3Node agent, each with its unit and reason. */
export const NODE_LIMITS = {
  /** Fallback when events are missed: the ledger is read in full this often. Cheap: one list and one proof per contract. */
  syncIntervalMs: 60_000,
  /** What really runs is looked at this often even when nothing hinted at a change. */
  auditIntervalMs: 30_000,
  /** First retry of a failed step; doubles up to the cap, so that a broken registry is not hammered. */
  retryBaseMs: 500,
  /** Longest pause before a failed step is tried again. */
  retryCapMs: 60_000,
  /** A crash-looping zmachine waits at least 100 ms, 200 ms, ... before it starts again, whatever its policy says. */
  crashLoopBaseMs: 100,
  /** Longest pause before a crash-looping zmachine starts again, when its policy asks for no longer one. */
  crashLoopCapMs: 10_000,
  /** First health probe after a start; doubles until the check's own interval. Tells "healthy" early. */
  probeFirstMs: 100,
  /** Images pulled at the same time for one contract: more would only share the same line. */
  pullsPerContract: 3,
  /** Grace of a zmachine whose specification is no longer known. */
  defaultStopGraceMs: 10_000,
  /** Changes are collected this long before they are reported: a start of ten zmachines is one report. */
  reportDebounceMs: 100,
  /** Share of the ledger's report quota that the node uses, in percent: room for clock differences. */
  reportQuotaPercent: 80,
  /** Instruction bytes: as the notary's own bound for a document. */
  instructionBytes: 1_048_576,
  /** A file of the agent's own state; an instruction in base64 with its frame. */
  stateFileBytes: 2_097_152,
  /** Bytes of the agent's configuration file. */
  configBytes: 262_144,
  /** Images kept beside those in use. */
  imageCacheBytes: 10 * 1024 ** 3,
  /** Between two looks for images that nothing uses. */
  imageGcIntervalMs: 3_600_000,
  /** Between two looks at the counters of public traffic. */
  usageIntervalMs: 60_000,
  /** Growth below this is not worth a report: 0.00005 USD at the prices of the main network. */
  usageLeastBytes: 1_000_000,
  /** Rows asked from the ledger at once (its own maximum). */
  pageRows: 1_000,
  /** Lines that one call for logs can ask for from the past. */
  logTailLines: 10_000,
  /** Magic packets to one network card: a card that renegotiates its link misses some. */
  magicPackets: 10,
  /** ms between two of them. */
  magicPacketPauseMs: 500,
  /** A waiting agent that is told to stop gives running steps this long to end. */
  stopWaitMs: 2_000,
} as const;
