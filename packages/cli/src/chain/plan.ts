/** What `chain init` will write, as values: servers with their addresses, and the genesis that all of them begin with. */
import { type AccountId, type KeyPair, UNITS_PER_TFT, parseTft } from "@tfgrid/primitives";
import { runtime } from "@tfgrid/tfchain";
import { cliErrors } from "../errors.ts";

export const ENGINES = ["solo", "cometbft"] as const;
export type EngineKind = (typeof ENGINES)[number];

/** CometBFT takes hundreds; beyond this many folders on one machine nobody means it. */
export const MAX_FOLDERS = 32;

export interface ServerPlan {
  /** Below the home of the chain; empty for the only server. */
  readonly folder: string;
  readonly host: string;
  readonly rpcPort: number;
  readonly p2pPort: number;
}

export interface ServersOptions {
  readonly validators: number;
  /** One for all, or one each. */
  readonly hosts: readonly string[];
  readonly rpcPort: number;
  readonly p2pPort: number;
}

/** Servers on one address take the ports one after the other; servers with addresses of their own all have the same ports. */
export function planServers(options: ServersOptions): readonly ServerPlan[] {
  const { validators, hosts, rpcPort, p2pPort } = options;
  if (hosts.length !== 1 && hosts.length !== validators) {
    throw cliErrors.fail("cli.bad_argument", { message: `--hosts names ${hosts.length} addresses for ${validators} validators: give one for all, or one each.` });
  }
  return Array.from({ length: validators }, (_, index) => {
    const shift = hosts.length === 1 ? index : 0;
    const folder = validators === 1 ? "" : `validator-${index + 1}`;
    return { folder, host: hosts[index] ?? hosts[0] ?? "", rpcPort: requirePort(rpcPort + shift), p2pPort: requirePort(p2pPort + shift) };
  });
}

function requirePort(port: number): number {
  if (port > 65_535) throw cliErrors.fail("cli.bad_argument", { message: `There is no port ${port}: begin with a lower one.` });
  return port;
}

export interface Grant {
  readonly id: AccountId;
  readonly freeUnits: bigint;
}

/** `ACCOUNT=TFT`. @throws GridError cli.bad_argument */
export function parseGrant(text: string): Grant {
  const [, id, amount = ""] = /^([0-9a-f]{64})=(.+)$/.exec(text) ?? [];
  const freeUnits = parseTft(amount);
  if (id === undefined || freeUnits === undefined) throw cliErrors.fail("cli.bad_argument", { message: `"${text}" is not ACCOUNT=TFT: 64 hex digits and an amount, for example 12.5.` });
  return { id: id as AccountId, freeUnits };
}

/** What a chain without named accounts begins with, so that somebody can pay the first fee. */
export const FIRST_WALLET_UNITS = 1_000_000n * UNITS_PER_TFT;

export interface GenesisPlan {
  readonly chainId: string;
  readonly preset: "local" | "main";
  readonly grants: readonly Grant[];
  readonly foundation: AccountId;
  readonly validatorsPool: AccountId;
  /** Empty: engine `solo`. */
  readonly validators: readonly KeyPair[];
  /** What another chain held: this one goes on with it. */
  readonly from?: runtime.Genesis | undefined;
}

/** Every validator with the same power: one more would change what a third of them can stop. */
const POWER = 10;

export function planGenesis(plan: GenesisPlan): ReturnType<typeof runtime.defaultGenesis> {
  const { validators, grants, from, ...rest } = plan;
  const makers = validators.length === 0 ? {} : { validators: validators.map(({ account }) => ({ publicKey: account, power: POWER })) };
  if (from !== undefined) return { ...from, chainId: plan.chainId, accounts: [...from.accounts, ...grants], ...makers };
  return runtime.defaultGenesis({ ...rest, accounts: [...grants], ...makers });
}
