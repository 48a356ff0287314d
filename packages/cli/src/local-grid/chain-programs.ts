/** The ledger of a local grid: one authority, or validators that CometBFT lets agree; for the rest of the grid they look the same. */
import { join } from "node:path";
import { type AccountId, UNITS_PER_TFT, bytesToHex, keyPairFromSeed, sha256, utf8 } from "@tfgrid/primitives";
import { type ChainAccess, PACES, newChain, runtime } from "@tfgrid/tfchain";
import type { GridKeys } from "./keys.ts";
import type { ChainServerLayout, GridLayout } from "./layout.ts";
import { own, room, withConfig } from "./own-program.ts";
import { readJson, writeFileDurably, writeJson } from "./state-files.ts";
import type { ProgramSpec } from "./supervisor.ts";

export const chainIdOf = (layout: GridLayout): string => `local-${layout.gridId}`;
export const serverUrl = (server: ChainServerLayout): string => `http://${server.address}:${server.rpcPort}`;

type Genesis = ReturnType<typeof runtime.defaultGenesis>;

const VALIDATOR_POWER = 10;

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
  if (layout.validators === 0) return { chainId: chainIdOf(layout), authority: keys.authority.account };
  return newChain.trustInValidators(chainIdOf(layout), validatorsOf(layout, keys));
}

export interface ChainProgramsOptions {
  readonly layout: GridLayout;
  readonly keys: GridKeys;
  readonly genesisTimeMs: number;
}

/** One program for each server of the ledger; their files are made when they are missing. */
export function chainPrograms(options: ChainProgramsOptions): readonly ProgramSpec[] {
  const { layout, keys } = options;
  const genesis = ensureGenesis(layout, keys);
  return layout.validators === 0 ? [soloProgram(options)] : validatorPrograms({ ...options, genesis });
}

type WithGenesis = ChainProgramsOptions & { readonly genesis: Genesis };

function soloProgram({ layout, keys }: ChainProgramsOptions): ProgramSpec {
  const [{ name, dataDir, address, rpcPort }] = layout.chains;
  const authoritySeedFile = join(layout.files.keys, "authority.seed");
  writeFileDurably(authoritySeedFile, bytesToHex(keys.authority.secretSeed), 0o600);
  const genesisFile = join(layout.stateDir, "genesis.json");
  return own({ layout, name, program: room("tfchain"), config: { dataDir, genesisFile, authoritySeedFile, host: address, port: rpcPort } });
}

function validatorPrograms({ layout, keys, genesis, genesisTimeMs }: WithGenesis): readonly ProgramSpec[] {
  const servers = layout.chains.map((server, index) => ({
    folder: server.dataDir,
    host: server.address,
    rpcPort: server.rpcPort,
    p2pPort: server.p2pPort,
    validatorSeed: seedOf(keys, "validator", index),
    nodeSeed: seedOf(keys, "node", index),
  }));
  const peers = servers.map(newChain.peerOf);
  return servers.map((server, index) => {
    const configFile = newChain.writeCometServer({ server, genesis, timeMs: genesisTimeMs, peers, pace: PACES.local });
    const { name } = layout.chains[index] ?? layout.chains[0];
    // They become ready together: each waits for the others before it can agree with them on anything.
    return withConfig({ name, program: room("tfchain"), configFile });
  });
}

const validatorsOf = (layout: GridLayout, keys: GridKeys): readonly { publicKey: AccountId; power: number }[] =>
  layout.chains.map((_, index) => ({ publicKey: keyPairFromSeed(seedOf(keys, "validator", index)).account, power: VALIDATOR_POWER }));

/** All from one seed: on one machine, whoever can read one of them can read them all. */
const seedOf = (keys: GridKeys, what: "validator" | "node", index: number): Uint8Array => sha256(utf8(`tfgrid/local-${what}/v1/${index}/`), keys.authority.secretSeed);

/** Made once: a chain goes on from the genesis that it began with, also after an update that would begin differently. */
function ensureGenesis(layout: GridLayout, keys: GridKeys): Genesis {
  const file = join(layout.stateDir, "genesis.json");
  const kept = readJson(file);
  if (kept !== undefined) return runtime.parseGenesis(kept);
  const genesis = runtime.defaultGenesis({
    chainId: chainIdOf(layout),
    foundation: keys.foundation.account,
    validatorsPool: keys.validators.account,
    accounts: Object.entries(GENESIS_TFT).map(([role, tft]) => ({ id: keys[role as keyof typeof GENESIS_TFT].account, freeUnits: tft * UNITS_PER_TFT })),
    preset: "local",
    ...(layout.validators === 0 ? {} : { validators: validatorsOf(layout, keys) }),
  });
  writeJson(file, runtime.genesisToJson(genesis));
  return genesis;
}
