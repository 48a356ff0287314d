export { lmdbStorage } from "./lmdb-storage.ts";
export { memoryStorage } from "./memory-storage.ts";
export { type SealedDraft, type StateDraft, type StateStore, openState } from "./state-store.ts";
export { type Storage, TABLES, type TableName, type WriteOp } from "./storage.ts";
