/** Bounds of the state machine; every one holds on every validator alike, so changing one is a fork. */

export const RUNTIME_LIMITS = {
  /** Contracts settled or moved by the due queue in one block: with a million contracts some 0.5 s of work; the rest waits for the next block. */
  dueWorkPerBlock: 2_048,
  /** Rows of one list query. */
  rowsPerPage: 1_000,
  /** Rows of one list query that names no limit. */
  rowsPerPageDefault: 100,
  /** Free registrations per farm in an hour: a leaked join token cannot fill the state with made-up nodes. */
  freeJoinsPerFarmPerHour: 120,
  /** Rows that an upgrade changes in one block: some 0.5 s of work where each is on a page of its own; it goes on in the next. */
  migrationRowsPerBlock: 5_000,
  /** Rows of one kind in an exported genesis: what fits into the memory of whoever starts from it. */
  genesisRows: 5_000_000,
  /** Accounts that a genesis may endow. */
  genesisAccounts: 100_000,
  /** ms. Below this much prepaid time a contract counts as out of money: it also bounds how often dwindling money is settled. */
  minRunwayMs: 1_000,
} as const;

export const MS_PER_HOUR = 3_600_000;
export const MS_PER_MINUTE = 60_000;

/** Intervals without a heartbeat after which a node counts as down. */
export const MISSED_HEARTBEATS = 2;

/**
 * Percent of the heartbeat interval. While anything is due a block is made `atLeast` this often; blocks in which nothing happens
 * mark their time `atMost` this often; marks further apart than `standstill` show that the chain stood still. A shorter
 * standstill leaves every node at least a quarter of an interval to speak.
 */
export const PULSE = { atMost: 20, atLeast: 50, standstill: 75 } as const;

/**
 * Between two blocks that do time-based work lies at least this part of the heartbeat interval, and at most a second: what falls
 * due meanwhile shares one block and the way to the root of the state. By no more is anything noticed later than it was due.
 */
export const GATHER = { percentOfHeartbeat: 10, maxMs: 1_000 } as const;

/**
 * Work that a bug of the ledger keeps from being done is tried again after a minute, then after twice as long each time, at least once
 * an hour: a try costs its block the work of all that is due with it once more, and the mended program finds it within the hour.
 */
export const WORK_RETRY = { firstMs: 60_000, maxMs: 3_600_000, doublings: 6 } as const;

export const MODULE_LIMITS = {
  /** Contracts that may end with their node (or with its rent) in one call: bounds that call's work. */
  contractsPerNodeEnd: 256,
  /** Periods of rewards whose receipts are kept per node: five years. */
  rewardReceipts: 60,
  /** Paid transactions of a block above which the fee rises: half of what the engines put into one. */
  targetBlockTxs: 500,
  /** Proposals at once: voters can follow no more. */
  openProposals: 16,
} as const;
