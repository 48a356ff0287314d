/**
 * The vocabulary of the grid: ids, units, canonical encoding, keys, typed errors and the ports to the outside world.
 * Depends on no other room.
 */
export * from "./codec.ts";
export * from "./errors.ts";
export * from "./ids.ts";
export * from "./keys.ts";
export * from "./ports.ts";
export * as s from "./schema.ts";
export { bytesToHex, hexToBytes, type Infer, type JsonValue, type Schema, schemaErrors } from "./schema.ts";
export * from "./sealed-box.ts";
export * from "./units.ts";
export { isSmallOrder, type SignedBytes, verifyBytes } from "./verifier.ts";
