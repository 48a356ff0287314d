/** The light client's pure half: proofs and headers, checked without trust in who sent them. */
export * from "./client.ts";
export * from "./comet/commit.ts";
export * from "./comet/from-rpc.ts";
export * from "./comet/hash.ts";
export * from "./comet/types.ts";
export * from "./errors.ts";
export * from "./header.ts";
export * from "./merkle.ts";
export * from "./proven.ts";
export * from "./signed-header.ts";
export * from "./trust.ts";
export * from "./verify.ts";
