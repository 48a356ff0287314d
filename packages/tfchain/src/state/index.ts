export type { Proven, ProvenAt, SealedDraft, StateDraft, StateOptions, StateStore } from "./api.ts";
export { lmdbStorage } from "./lmdb-storage.ts";
export { memoryStorage } from "./memory-storage.ts";
export { openState } from "./state-store.ts";
export { type Storage, TABLES, type TableName, type WriteOp } from "./storage.ts";
