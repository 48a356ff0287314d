export * from "./common.ts";
export * from "./instruction.ts";
export * from "./limits.ts";
export * from "./solution.ts";
