/** Every bound of the page, with its unit and reason. */
export const DASHBOARD_LIMITS = {
  /** Nodes read for map and table (about 1.3 KB each): filtering them in the page is immediate. */
  nodes: 3_000,
  /** Contracts, farms, twins and solutions read for one list. */
  rows: 2_000,
  /** Table rows drawn at one time: more make a page that no person reads and a phone that stutters. */
  pageRows: 50,
  /** Sentences kept in the live feed on the overview. */
  feedRows: 60,
  /** Timeline rows of one solution. */
  timelineRows: 400,
  /** Milliseconds one read may take before it counts as failed. */
  readTimeoutMs: 15_000,
  /** Milliseconds between two reads while events arrive: heartbeats and bills raise no events. */
  refreshLiveMs: 20_000,
  /** Milliseconds between two reads without an event stream. */
  refreshPollMs: 4_000,
  /** Milliseconds that events are gathered before the lists are read again: a deployment raises dozens in a second. */
  gatherMs: 250,
  /** Milliseconds after which data that could not be refreshed is called stale. */
  staleAfterMs: 45_000,
  /** Milliseconds without typing before a Compose file is checked. */
  validateDelayMs: 200,
  /** Characters of a Compose file: the parser refuses more anyway. */
  composeCharacters: 1_000_000,
} as const;
