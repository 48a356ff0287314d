/** The explorer: an index of the ledger in SQL, the grid proxy's REST API over it, a timeline for people and a live feed. */
export { explorerErrors } from "./errors.ts";
export { type Explorer, type ExplorerOptions, startExplorer } from "./explorer.ts";
export { type ImageLookup, type PublicGrid, publicGrid } from "./grid.ts";
export { type ExplorerProgramOptions, runExplorer } from "./program.ts";
export type { IndexerStatus } from "./indexer/indexer.ts";
export type { EventJson } from "./rest/queries.ts";
