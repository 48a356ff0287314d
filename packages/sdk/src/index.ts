/** One typed client for the whole grid, and the API that 3Nodes serve over messaging. */
export * from "./node-api.ts";
