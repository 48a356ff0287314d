/** Bounds of engine, RPC and client. `docs/limits.md` lists those that a stranger can press on. */

export const ENGINE_LIMITS = {
  /** Transactions waiting for a block: a few seconds of full load, so that waiting longer is refused at once. */
  mempoolTxs: 20_000,
  /** Bytes waiting for a block, and thus memory that strangers can fill. */
  mempoolBytes: 64 * 1024 * 1024,
  /** Waiting transactions of one account: one sender cannot take all places. */
  mempoolTxsPerAccount: 1_024,
  /** Submissions whose signature is being checked: the queue before the mempool. */
  pendingSignatures: 4_096,
  /** Transactions of one block: about 0.3 s of work, so that reads and heartbeats are never starved. */
  blockTxs: 1_000,
  /** Bytes of one block's transactions: written and sent to followers in one piece. */
  blockBytes: 4 * 1024 * 1024,
  /** Blocks kept for followers, `block.get` and `tx.get`: about 23 days at one block a second. */
  retainedBlocks: 2_000_000,
  /** Old blocks removed with each new one; more than one so that a lowered bound is reached. */
  prunedPerBlock: 2,
  /** ms. Two blocks are at least this far apart by default. */
  blockIntervalMs: 50,
  /** ms. An idle chain still makes a block this often, so that light clients can tell fresh from stale. */
  idleBlockMs: 30_000,
  /** Longest state key: well under LMDB's 1,978 bytes, so that every driver holds every key. */
  keyBytes: 1_024,
  /** Threads that check signatures: more than that and carrying out blocks is the narrow place. Each takes about 15 MB. */
  signatureThreads: 4,
  /** Signatures that are checked in place while no thread is at work: about 0.3 ms, less than starting one costs. */
  signaturesInPlace: 4,
} as const;

export const STATE_LIMITS = {
  /** Subtrees below depth 16 held in memory; about 76 leaves each with five million keys, so at most about 60 MB. */
  loadedSubtrees: 4_096,
  /** Rows that say what changed of a page of the tree before it is written as a whole again: each is one more read. */
  pageChanges: 4,
  /** Bytes of all these rows: half a page of 16 branches, or four changed leaves. */
  pageChangesBytes: 300,
  /** Newest versions of the state that values are proven at: a proof outlives some blocks, and CometBFT signs a state one block later. */
  provenVersions: 128,
  /** Old versions given up with each new one; more than one so that a lowered bound is reached. */
  prunedVersionsPerBlock: 2,
  /** Bytes from which a row of blocks, events or history is compressed: below, it hardly becomes smaller and the call costs more than it saves. */
  packedRowBytes: 1_024,
  /** Bytes of one row of replaced values before it is compressed: found by one seek, and small enough that LMDB need not look for long runs of free pages. */
  historyRowBytes: 32 * 1024,
  /** Bytes of one state value: far above what one transaction can write, and a row still fits into one chunk of a snapshot. */
  valueBytes: 4 * 1024 * 1024 - 4_096,
  /** Bytes of one chunk of a snapshot: a quarter of CometBFT's bound (16 MB), under a second at its default rate for one peer, cheap to fetch again. */
  snapshotChunkBytes: 4 * 1024 * 1024,
  /** Chunks of one snapshot: 32 GiB of state, and a description (33 bytes for each) that fits into CometBFT's message of 4 MB. */
  snapshotChunks: 8_192,
  /** Snapshots kept: one that is being fetched stays while the next one is taken. */
  snapshotsKept: 3,
  /** ms that taking or restoring a snapshot works on before others may run: with what a piece takes beyond it (a collection of garbage, a write) some 10 ms at most. */
  sliceMs: 3,
  /** Bytes, or as many rows as below, that are read for a snapshot before the time is looked at: well below a millisecond. */
  snapshotSliceBytes: 32 * 1024,
  /** Rows, as above. */
  snapshotSliceRows: 128,
  /** Rows, of the state or of its tree, that a restore writes at once: with their hashes and their flush a piece of some ms. */
  restoreRowsPerWrite: 1_024,
  /** Bytes of these rows, after which they are written however few they are. */
  restoreBytesPerWrite: 256 * 1024,
} as const;

export const COMET_LIMITS = {
  /** Bytes of one ABCI message: a whole block with room to spare, far below what the protocol allows (2 GiB). */
  frameBytes: 64 * 1024 * 1024,
  /** Requests of one ABCI connection that are not answered yet; then it is not read on. */
  openRequests: 4_096,
  /** Bytes of answers held until cometbft asks for them to be flushed. */
  unflushedBytes: 256 * 1024,
  /** Bytes of one transaction in cometbft's mempool: more than any value that governance may give `maxTxBytes`. */
  txBytes: 1024 * 1024,
  /** Transactions of one block. Consensus: a block with more is refused by every validator. */
  blockTxs: 2_000,
  /** Bytes of one block's transactions. Consensus, as above. */
  blockBytes: 4 * 1024 * 1024,
  /** Transactions in cometbft's mempool; all of them are asked about again after each block. */
  mempoolTxs: 10_000,
  /** Bytes in cometbft's mempool. */
  mempoolBytes: 64 * 1024 * 1024,
  /** Bytes of those requests; then it is not read on either. One request of any size may wait. */
  openRequestBytes: 64 * 1024 * 1024,
  /** Transactions whose signature is known to be good: the mempool, and as many again. */
  knownTxs: 20_000,
  /** Bytes of those transactions: anybody can sign large ones, at no cost while they are not in a block. */
  knownTxBytes: 32 * 1024 * 1024,
  /** Submissions of this server that are not final yet. */
  waiting: 20_000,
  /** Submissions handed to cometbft in one request. */
  broadcastTxs: 512,
  /** ms after which a submission that is in no block is handed over again: cometbft may have forgotten it. */
  rebroadcastMs: 5_000,
  /** ms that a submission is waited for; below the client's own patience, so that the answer says why. */
  submitTimeoutMs: 25_000,
  /** ms without a block after which the chain counts as standing still; several times what a round with an absent proposer takes. */
  stallMs: 10_000,
  /** ms between two looks at cometbft's own state. */
  statusMs: 1_000,
  /** ms for one request to cometbft. */
  requestTimeoutMs: 10_000,
  /** Bytes of one answer of cometbft: a page of validators, a batch of verdicts. */
  answerBytes: 16 * 1024 * 1024,
  /** ms until cometbft must answer after its start: replaying blocks counts anew with each block. */
  startTimeoutMs: 60_000,
  /** ms that cometbft has to end by itself. */
  stopTimeoutMs: 10_000,
  /** Headers whose signatures are still being collected before older ones are given up. */
  pendingHeaders: 256,
  /** Blocks kept, by the ledger (1 to 2 KB each when empty) and by cometbft: two days at 0.3 s, six at one second. */
  retainedBlocks: 500_000,
  /** Blocks between two snapshots for those who join: some minutes. */
  snapshotBlocks: 1_000,
  /** ms that a proven read waits for the block whose header proves it. */
  proofWaitMs: 5_000,
} as const;

export const RPC_LIMITS = {
  /** Bytes of one HTTP body or WebSocket message: a full batch of the largest transactions in hex still fits. */
  bodyBytes: 2 * 1024 * 1024,
  /** Calls of one JSON-RPC batch. */
  batchCalls: 100,
  /** Characters of answers in one batch after which its further calls are refused: a small request must not make a huge answer. */
  batchAnswerCharacters: 16 * 1024 * 1024,
  /** Connections at once, HTTP and WebSocket together. */
  connections: 1_024,
  /** ms that the calls of a batch take before others have their turn: one call more, and a block is hardly late. */
  batchTurnMs: 10,
  /** Rows that a list looks at in one piece, before others have their turn: some ms. One page of the longest needs no second piece. */
  rowsAtOnce: 1_000,
  /** Calls of one WebSocket connection that are not answered yet, each of a batch counted. */
  openCallsPerConnection: 2_048,
  /** `events.follow` of one WebSocket connection. */
  subscriptionsPerConnection: 4,
  /** Bytes not yet read by a WebSocket's peer before it is cut off: a slow reader never grows our memory further. */
  unreadBytes: 8 * 1024 * 1024,
  /** Event blocks read from the store at a time while a follower catches up. */
  catchUpBlocks: 256,
  /** ms between a follower's heartbeat messages: a silent link is noticed within a few of them. */
  followHeartbeatMs: 5_000,
  /** ms. An idle connection is kept: programs that read every few seconds need not make a new one each time. */
  keepAliveMs: 30_000,
  /** ms. HTTP headers and body must arrive within; an answer of which nothing is read for so long is given up. */
  requestTimeoutMs: 30_000,
} as const;

export const CLIENT_LIMITS = {
  /** Reads of one moment that travel together: within the server's own bound. */
  batchCalls: 50,
  /** ms. How long a seen height serves to say when a transaction expires: far fewer blocks than `expiresInBlocks`. */
  headAgeMs: 20_000,
  /** Attempts of one read before `chain.unreachable`: with the pauses about ten seconds, so that a restart of the ledger is ridden out. */
  readAttempts: 9,
  /** ms. First pause between attempts; doubles up to `maxBackoffMs`. */
  backoffMs: 100,
  /** ms. The longest pause between attempts. */
  maxBackoffMs: 3_000,
  /** ms between two writes of the newest verified header to a file: nothing, next to the trust period. */
  trustFileMs: 600_000,
  /** Rows of one page of a list that is read as a whole: as many as a server gives at once. */
  pageRows: 1_000,
  /** Rows of a list that are proven at the same time. */
  provenAtOnce: 16,
  /** ms. How long a server that failed is not asked while there is another; doubles up to `maxServerRestMs`. */
  serverRestMs: 2_000,
  /** ms. The longest rest of a server that fails. */
  maxServerRestMs: 60_000,
  /** ms for one HTTP call. */
  callTimeoutMs: 10_000,
  /** ms for one submission: a block may take its time under load. */
  submitTimeoutMs: 30_000,
  /** Times that one transaction is sent before giving up: about half a minute, so that a restart of the chain is ridden out. */
  submitAttempts: 14,
  /** Times that one batch is signed anew because another user of the key was faster. */
  nonceAttempts: 8,
  /** Blocks within which a transaction must be included: after that it can never be. */
  expiresInBlocks: 1_000,
  /** ms without any message before a follower's connection counts as dead: three of the server's heartbeats. */
  watchdogMs: 15_000,
  /** Event blocks held for a consumer that is slower than the ledger; beyond it reading the socket stops by reconnecting later. */
  bufferedBlocks: 10_000,
  /** ms. Age of a header that proofs are still accepted against: many idle blocks, and some clock error. */
  maxHeaderAgeMs: 180_000,
  /** Bytes of one answer. */
  answerBytes: 64 * 1024 * 1024,
} as const;

export const LIGHT_LIMITS = {
  /** Validators of one header: more than the chain admits (100), so that a hostile answer costs little. */
  validators: 256,
  /** ms. How long a verified header, or the genesis validators, vouch for later ones: their keys may be sold or lost after that. */
  trustPeriodMs: 14 * 24 * 3_600_000,
  /** ms that a header may be ahead of this machine's clock. */
  clockDriftMs: 10_000,
  /** Verified headers that are held: the newest, and some between for older reads. */
  trustedHeaders: 64,
  /** Headers fetched to get from a trusted one to a new one: bisection needs about log2 of the distance for each change of validators. */
  bisectionSteps: 128,
  /** ms. A server that joins waits this long for each further server to have the block that it begins with. */
  joinPatienceMs: 5_000,
  /** ms between two questions whether a server has that block. */
  joinPauseMs: 250,
} as const;
