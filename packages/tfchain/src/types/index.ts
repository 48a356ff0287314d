export * from "./calls.ts";
export * from "./client.ts";
export * from "./entities.ts";
export * from "./events.ts";
export * from "./governance.ts";
export * from "./ledger.ts";
export * from "./news.ts";
export * from "./policy.ts";
