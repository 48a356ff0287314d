/** A data folder belongs to one genesis under one authority for ever. */
import { createHash } from "node:crypto";
import { type AccountId, type Hex, type JsonValue, bytesToHex } from "@tfgrid/primitives";
import { chainErrors } from "../light/errors.ts";
import type { Storage } from "../state/index.ts";

/**
 * Covers content, not layout: the order of keys in the file does not matter. With engine `cometbft` the word stands where
 * the authority does: its validators are part of the genesis.
 */
export function genesisHashOf(genesis: JsonValue, authority: AccountId | "cometbft"): Hex {
  return createHash("sha256").update(stable({ genesis, authority })).digest("hex") as Hex;
}

function stable(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value as Readonly<Record<string, JsonValue>>).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${stable(entry)}`).join(",")}}`;
}

/** @throws GridError chain.genesis_mismatch */
export function requireGenesis(storage: Storage, expected: Hex): void {
  const kept = bytesToHex(storage.get("meta", "genesis-hash") ?? new Uint8Array());
  if (kept === expected) return;
  throw chainErrors.fail("chain.genesis_mismatch", { details: { folderGenesisHash: kept, givenGenesisHash: expected } });
}
