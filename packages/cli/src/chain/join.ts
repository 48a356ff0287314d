/** `chain join`: a folder for a server of a chain that runs elsewhere. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AccountId, type Entropy, type Hex, keyPairFromSeed, messageOf, systemClock } from "@tfgrid/primitives";
import { type AskToJoin, type ChainAccess, PACES, askToJoin, chainAccess, newChain } from "@tfgrid/tfchain";
import { cliErrors } from "../errors.ts";
import type { ServerPlan } from "./plan.ts";

export interface JoinOptions {
  readonly home: string;
  readonly server: ServerPlan;
  readonly urls: readonly [string, ...string[]];
  readonly trust: AskToJoin["trust"];
  readonly genesisHash: Hex | undefined;
  /** Carry out all blocks anew instead of beginning with a snapshot. */
  readonly fromGenesis: boolean;
  readonly pace: keyof typeof PACES;
  readonly entropy: Entropy;
  readonly signal: AbortSignal;
}

export interface JoinResult {
  readonly chainId: string;
  readonly folder: string;
  readonly rpc: string;
  /** What governance names to make this server a validator. */
  readonly validator: AccountId;
  readonly peer: string;
  readonly peers: readonly string[];
  readonly genesisHash: Hex;
  readonly beginsWithHeight: number;
}

/** @throws GridError cli.bad_argument when the home is not empty, and what `askToJoin` throws */
export async function joinChain(options: JoinOptions): Promise<JoinResult> {
  const { home, server, urls, trust, genesisHash: expected, fromGenesis, pace, entropy, signal } = options;
  requireEmpty(home);
  const { genesis, genesisHash, genesisTimeMs, peers, stateSync, trust: believed } = await askToJoin({ urls, trust, genesisHash: expected, clock: systemClock, signal });
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const own = { ...server, folder: home, validatorSeed: entropy.randomBytes(32), nodeSeed: entropy.randomBytes(32) };
  newChain.writeCometServer({ server: own, genesis, timeMs: genesisTimeMs, peers, pace: PACES[pace], ...(fromGenesis ? {} : { stateSync }) });
  const rpc = newChain.rpcUrlOf(server);
  writeAccess(home, { urls: [rpc, ...urls], trust: believed });
  return {
    chainId: genesis.chainId,
    folder: home,
    rpc,
    validator: keyPairFromSeed(own.validatorSeed).account,
    peer: newChain.peerOf(own),
    peers,
    genesisHash,
    beginsWithHeight: fromGenesis ? 0 : stateSync.trustHeight,
  };
}

/** What is there may be the only copy of another chain's keys. @throws GridError cli.bad_argument */
export function requireEmpty(home: string): void {
  if (existsSync(home) && readdirSync(home).length > 0) throw cliErrors.fail("cli.bad_argument", { message: `${home} is not empty, and nothing there is written over.` });
}

/** What clients of a chain need, in the home of each server. */
export const ACCESS_FILE = "access.json";

export function writeAccess(home: string, access: ChainAccess): void {
  writeFileSync(join(home, ACCESS_FILE), `${JSON.stringify(chainAccess.toJson(access), undefined, 2)}\n`);
}

/** @throws GridError cli.no_such_file, cli.bad_argument */
export function readAccess(file: string): ChainAccess {
  if (!existsSync(file)) throw cliErrors.fail("cli.no_such_file", { message: `There is no file ${file}: \`tfgrid chain init\` and \`chain join\` make one called ${ACCESS_FILE}.` });
  try {
    return chainAccess.fromJson(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw cliErrors.fail("cli.bad_argument", { message: `${file} does not say how a chain is reached: ${messageOf(cause)}`, cause });
  }
}
