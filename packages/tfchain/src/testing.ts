/** For other rooms' integration tests: a real chain in a temporary folder, with rich accounts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KeyPair, type Logger, UNITS_PER_TFT, keyPairFromSeed, sha256, silentLogger, utf8 } from "@tfgrid/primitives";
import { connectChain } from "./client/index.ts";
import { type GenesisOptions, defaultGenesis } from "./runtime/index.ts";
import { type RunningChain, startChain } from "./start.ts";
import type { ChainClient } from "./types/index.ts";

/** The same name gives the same key, everywhere and always: for tests only. */
export const testKey = (name: string): KeyPair => keyPairFromSeed(sha256(utf8(`tfgrid test key ${name}`)));

/** These names own a million TFT each in every test chain. */
export const RICH_NAMES = ["alice", "bob", "carol", "dave", "farmer", "agent"] as const;
const RICH_UNITS = 1_000_000n * UNITS_PER_TFT;

export interface TestChainOptions {
  /** Names beside RICH_NAMES whose `testKey` gets a million TFT. */
  readonly rich?: readonly string[];
  readonly params?: GenesisOptions["params"];
  readonly pricing?: GenesisOptions["pricing"];
  readonly policy?: GenesisOptions["policy"];
  readonly charter?: GenesisOptions["charter"];
  readonly blockIntervalMs?: number;
  readonly port?: number;
  readonly logger?: Logger;
}

export interface TestChain {
  readonly url: string;
  readonly chainId: string;
  readonly client: ChainClient;
  readonly chain: RunningChain;
  readonly trust: { readonly chainId: string; readonly authority: KeyPair["account"] };
  /** Key of a rich account by its name. */
  key(name: string): KeyPair;
  /** Stops the chain and removes its folder. */
  stop(): Promise<void>;
}

export async function startTestChain(options: TestChainOptions = {}): Promise<TestChain> {
  const { rich = [], params = {}, pricing = {}, policy = {}, charter, port = 0, logger = silentLogger } = options;
  const folder = mkdtempSync(join(tmpdir(), "tfgrid-chain-"));
  const authority = testKey("authority");
  const chainId = "test-grid";
  const accounts = [...new Set([...RICH_NAMES, ...rich])].map((name) => ({ id: testKey(name).account, freeUnits: RICH_UNITS }));
  const foundation = testKey("foundation").account;
  const genesis = defaultGenesis({ chainId, foundation, validatorsPool: testKey("validators").account, accounts, params, pricing, policy, ...(charter === undefined ? {} : { charter }) });
  const interval = options.blockIntervalMs === undefined ? {} : { blockIntervalMs: options.blockIntervalMs };
  const chain = await startChain({ dataDir: folder, genesis, authority, port, logger, ...interval }).catch((error: unknown) => {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  const trust = { chainId, authority: authority.account };
  const client = connectChain({ url: chain.endpoints.rpc, trust, logger });
  return {
    url: chain.endpoints.rpc,
    chainId,
    client,
    chain,
    trust,
    key: testKey,
    stop: async () => {
      await client.close();
      await chain.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
