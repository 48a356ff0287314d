/** The seeds of a local grid: one file each, readable by its owner only. */
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type KeyPair, generateKeyPair, keyPairFromSeed, mnemonicOf, seedOfMnemonic, systemEntropy } from "@tfgrid/primitives";
import { writeFileDurably } from "./state-files.ts";

/** Who acts in a local grid. `authority` signs the solo chain's headers; `user` is the person at this machine. */
export const KEY_ROLES = ["authority", "user", "farmer", "agent", "relay", "foundation", "validators"] as const;
export type KeyRole = (typeof KEY_ROLES)[number];
export type GridKeys = Readonly<Record<KeyRole, KeyPair>>;

export function mnemonicFile(keysDir: string, role: KeyRole): string {
  return join(keysDir, `${role}.mnemonic`);
}

/** Reads the keys and makes those that are missing. @throws GridError keys.bad_mnemonic */
export function loadOrMakeKeys(keysDir: string): GridKeys {
  mkdirSync(keysDir, { recursive: true, mode: 0o700 });
  chmodSync(keysDir, 0o700);
  return Object.fromEntries(KEY_ROLES.map((role) => [role, loadOrMake(mnemonicFile(keysDir, role))])) as GridKeys;
}

function loadOrMake(path: string): KeyPair {
  if (existsSync(path)) return keyPairFromSeed(seedOfMnemonic(readFileSync(path, "utf8")));
  const made = generateKeyPair(systemEntropy);
  writeFileDurably(path, `${mnemonicOf(made.secretSeed)}\n`, 0o600);
  return made;
}
