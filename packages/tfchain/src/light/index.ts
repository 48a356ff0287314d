/** The light client's pure half: proofs and headers, checked without trust in who sent them. */
export * from "./errors.ts";
export * from "./header.ts";
export * from "./merkle.ts";
