/** `chain init`: keys, genesis and a folder for each server of a new chain. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AccountId, type Entropy, type KeyPair, generateKeyPair, keyPairFromSeed, mnemonicOf } from "@tfgrid/primitives";
import { type ChainAccess, PACES, newChain, type runtime } from "@tfgrid/tfchain";
import { cliErrors } from "../errors.ts";
import { requireEmpty, writeAccess } from "./join.ts";
import { type EngineKind, FIRST_WALLET_UNITS, type Grant, type ServerPlan, planGenesis } from "./plan.ts";

export interface InitOptions {
  readonly home: string;
  readonly engine: EngineKind;
  readonly servers: readonly ServerPlan[];
  readonly chainId: string;
  readonly preset: "local" | "main";
  /** Empty: a wallet is made that owns the first TFT. */
  readonly grants: readonly Grant[];
  readonly foundation: AccountId | undefined;
  readonly validatorsPool: AccountId | undefined;
  readonly pace: keyof typeof PACES;
  readonly entropy: Entropy;
  readonly nowMs: number;
  /** What another chain held, as `chain export` wrote it: no wallets are made, everybody has theirs. */
  readonly from?: runtime.Genesis | undefined;
}

export interface InitResult {
  readonly chainId: string;
  readonly engine: EngineKind;
  /** Of the program that runs each server. */
  readonly servers: readonly { readonly folder: string; readonly rpc: string; readonly validator: AccountId; readonly peer: string | null }[];
  /** For clients: `access.json` of the home. */
  readonly access: ChainAccess;
  /** Files with 24 words each that were made. */
  readonly wallets: readonly { readonly role: string; readonly account: AccountId; readonly file: string }[];
}

/** @throws GridError cli.bad_argument when the home is not empty: it may hold the only copy of another chain's keys */
export function initChain(options: InitOptions): InitResult {
  const { home } = options;
  requireEmpty(home);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const wallets = new Wallets(home, options.entropy);
  const { from } = options;
  const accounts = from === undefined ? makeAccounts(options, wallets) : { foundation: from.foundation, validatorsPool: from.validatorsPool, grants: options.grants };
  const made = options.engine === "solo" ? initSolo(options, accounts) : initValidators(options, accounts);
  writeAccess(home, made.access);
  return { chainId: options.chainId, engine: options.engine, ...made, wallets: wallets.made };
}

function makeAccounts(options: InitOptions, wallets: Wallets): Accounts {
  return {
    foundation: options.foundation ?? wallets.make("foundation"),
    validatorsPool: options.validatorsPool ?? wallets.make("validators-pool"),
    grants: options.grants.length > 0 ? options.grants : [{ id: wallets.make("wallet"), freeUnits: FIRST_WALLET_UNITS }],
  };
}

type Accounts = { readonly foundation: AccountId; readonly validatorsPool: AccountId; readonly grants: readonly Grant[] };
type Made = Pick<InitResult, "servers" | "access">;

function initSolo({ home, servers, chainId, preset, entropy, from }: InitOptions, accounts: Accounts): Made {
  const [server] = servers;
  if (server === undefined || servers.length > 1) throw cliErrors.fail("cli.bad_argument", { message: "The engine `solo` has one authority: use --engine cometbft for more." });
  const authority = generateKeyPair(entropy);
  const genesis = planGenesis({ chainId, preset, ...accounts, validators: [], from });
  newChain.writeSoloServer({ folder: home, host: server.host, rpcPort: server.rpcPort, genesis, authority });
  const rpc = newChain.rpcUrlOf(server);
  return { servers: [{ folder: home, rpc, validator: authority.account, peer: null }], access: { urls: [rpc], trust: { chainId, authority: authority.account } } };
}

function initValidators({ home, servers, chainId, preset, pace, entropy, nowMs, from }: InitOptions, accounts: Accounts): Made {
  const planned = servers.map((server) => ({ ...server, folder: join(home, server.folder), validatorSeed: seed(entropy), nodeSeed: seed(entropy) }));
  const keys = planned.map(({ validatorSeed }) => keyPairFromSeed(validatorSeed));
  const genesis = planGenesis({ chainId, preset, ...accounts, validators: keys, from });
  const peers = planned.map(newChain.peerOf);
  for (const server of planned) newChain.writeCometServer({ server, genesis, timeMs: nowMs, peers, pace: PACES[pace] });
  const trust = newChain.trustInValidators(chainId, genesis.validators ?? []);
  return {
    servers: planned.map((server, index) => ({ folder: server.folder, rpc: newChain.rpcUrlOf(server), validator: accountOf(keys, index), peer: peers[index] ?? null })),
    access: { urls: servers.map(newChain.rpcUrlOf), trust },
  };
}

function accountOf(keys: readonly KeyPair[], index: number): AccountId {
  const key = keys[index];
  if (key === undefined) throw new Error("each server has a key");
  return key.account;
}

const seed = (entropy: Entropy): Uint8Array => entropy.randomBytes(32);

/** Keys of accounts that nobody named, in files of 24 words that only their owner reads. */
class Wallets {
  readonly made: InitResult["wallets"][number][] = [];
  readonly #home: string;
  readonly #entropy: Entropy;

  constructor(home: string, entropy: Entropy) {
    this.#home = home;
    this.#entropy = entropy;
  }

  make(role: string): AccountId {
    const keyPair = generateKeyPair(this.#entropy);
    const file = join(this.#home, `${role}.mnemonic`);
    writeFileSync(file, `${mnemonicOf(keyPair.secretSeed)}\n`, { mode: 0o600, flag: "wx" });
    this.made.push({ role, account: keyPair.account, file });
    return keyPair.account;
  }
}

