/** Every bound of the explorer, with its unit and reason. */
export const EXPLORER_LIMITS = {
  /** Rows a list answers when the client does not say (the grid proxy's default). */
  defaultPageSize: 50,
  /** Rows; clients ask for 999999999999 to mean "all": served up to this, so that one answer stays below about 100 MB. */
  maxPageSize: 100_000,
  /** Values in one comma-separated list parameter; SQLite takes 32,766 variables in a statement. */
  maxListValues: 1_000,
  /** Characters of one text parameter. */
  maxTextLength: 1_024,
  /** Bytes of a request's line and headers. */
  maxHeaderBytes: 16 * 1024,
  /** Bytes of a request body: the API has no request with a body. */
  maxBodyBytes: 1_024,
  /** Milliseconds a client may take to send its request (slowloris). */
  requestTimeoutMs: 10_000,
  /** Milliseconds an idle keep-alive connection is kept. */
  keepAliveTimeoutMs: 30_000,
  /** Characters of an image reference (the solution document's own bound). */
  maxReferenceLength: 512,
  /** Image look-ups at one time: each is a process that talks to a registry. */
  imageLookupsAtOnce: 4,
  /** Milliseconds one look-up may take. */
  imageLookupMs: 20_000,
  /** Milliseconds without a byte in either direction after which a connection is cut: who does not take an answer gives its room back. */
  connectionStallMs: 60_000,
  /** Rows of answers that are on their way to their readers, all together: about 1 KB each, four whole lists. */
  maxOpenRows: 400_000,
  /** Connections in all: each costs some 20 KiB. */
  maxConnections: 2_048,
  /** Live feed readers at one time. */
  maxLiveReaders: 256,
  /** Rows read for one live reader at a time: what it may have queued in memory. */
  liveBatchRows: 200,
  /** Milliseconds after which a live reader that takes nothing is cut. */
  liveStallMs: 10_000,
  /** Milliseconds between two signs of life on a quiet feed, below the usual 60 s of proxies. */
  livePingMs: 15_000,
  /** Event rows kept (about 500 bytes each); the oldest go first. */
  maxEventRows: 500_000,
  /** Bills kept (about 60 bytes each). */
  maxBillRows: 2_000_000,
  /** Blocks between two looks at the two bounds above. */
  pruneEveryBlocks: 1_000,
  /** Ledger reads at one time for one block. */
  chainReadsAtOnce: 8,
  /** A database further behind than this many blocks reads all entities again instead of following each event. */
  resyncBehindBlocks: 2_000,
  /** Milliseconds: heartbeats raise no events, so uptime and last report are read again at this interval. */
  nodeRefreshMs: 15_000,
  /** Milliseconds between two looks at the ledger's head. */
  headLookMs: 2_000,
  /** Milliseconds between two writes of the height when blocks bring no events. */
  idleHeightWriteMs: 5_000,
  /** First and longest wait before the ledger is tried again. */
  retryMinMs: 250,
  /** Longest wait before the ledger is tried again. */
  retryMaxMs: 5_000,
  /** Prepared statements kept per database connection. */
  maxStatements: 200,
  /** KiB of SQLite page cache per connection. */
  pageCacheKib: 4_096,
} as const;
