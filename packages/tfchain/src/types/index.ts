export * from "./calls.ts";
export * from "./client.ts";
export * from "./entities.ts";
export * from "./events.ts";
