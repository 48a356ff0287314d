/** The ledger of a local grid: one authority, or validators that CometBFT lets agree; for the rest of the grid they look the same. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UNITS_PER_TFT, bytesToHex } from "@tfgrid/primitives";
import { type ChainAccess, runtime } from "@tfgrid/tfchain";
import type { GridKeys } from "./keys.ts";
import type { ChainServerLayout, GridLayout } from "./layout.ts";
import { own, room } from "./own-program.ts";
import { writeFileDurably, writeJson } from "./state-files.ts";
import type { ProgramSpec } from "./supervisor.ts";

export const chainIdOf = (layout: GridLayout): string => `local-${layout.gridId}`;
export const serverUrl = (server: ChainServerLayout): string => `http://${server.address}:${server.rpcPort}`;

/** A rich start for a grid to play with. */
const GENESIS_TFT = { user: 1_000_000n, farmer: 1_000n, agent: 10_000n } as const;

/**
 * How a program reaches the ledger. Each begins with another server, so that neither load nor the loss of one falls on all;
 * `turn` says with which.
 */
export function chainAccessOf(layout: GridLayout, keys: GridKeys, turn: number): ChainAccess {
  const urls = layout.chains.map(serverUrl);
  const first = turn % urls.length;
  return { urls: [...urls.slice(first), ...urls.slice(0, first)], trust: trustOf(layout, keys) };
}

function trustOf(layout: GridLayout, keys: GridKeys): ChainAccess["trust"] {
  return { chainId: chainIdOf(layout), authority: keys.authority.account };
}

/** One program for each server of the ledger; their files are made when they are missing. */
export function chainPrograms(layout: GridLayout, keys: GridKeys): readonly ProgramSpec[] {
  const genesisFile = ensureGenesis(layout, keys);
  return [soloProgram(layout, keys, genesisFile)];
}

function soloProgram(layout: GridLayout, keys: GridKeys, genesisFile: string): ProgramSpec {
  const [{ name, dataDir, address, rpcPort }] = layout.chains;
  const authoritySeedFile = join(layout.files.keys, "authority.seed");
  writeFileDurably(authoritySeedFile, bytesToHex(keys.authority.secretSeed), 0o600);
  return own({ layout, name, program: room("tfchain"), config: { dataDir, genesisFile, authoritySeedFile, host: address, port: rpcPort } });
}

/** Made once: a chain goes on from the genesis that it began with, also after an update that would begin differently. */
function ensureGenesis(layout: GridLayout, keys: GridKeys): string {
  const file = join(layout.stateDir, "genesis.json");
  if (existsSync(file)) return file;
  const genesis = runtime.defaultGenesis({
    chainId: chainIdOf(layout),
    foundation: keys.foundation.account,
    validatorsPool: keys.validators.account,
    accounts: Object.entries(GENESIS_TFT).map(([role, tft]) => ({ id: keys[role as keyof typeof GENESIS_TFT].account, freeUnits: tft * UNITS_PER_TFT })),
    preset: "local",
  });
  writeJson(file, runtime.genesisToJson(genesis));
  return file;
}
