/** For other rooms' integration tests: a real chain in a temporary folder, with rich accounts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KeyPair, type Logger, type NodeId, UNITS_PER_TFT, encode, keyPairFromSeed, sha256, silentLogger, utf8 } from "@tfgrid/primitives";
import { connectChain } from "./client/index.ts";
import { type GenesisOptions, defaultGenesis } from "./runtime/index.ts";
import { type RunningChain, startChain } from "./start.ts";
import { type Call, type ChainClient, joinTokenBody } from "./types/index.ts";

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
  /** A node that lives, on a farm of the rich account `farmer`: registered, and heard once. */
  addNode(options: AddNodeOptions): Promise<NodeId>;
  /** Stops the chain and removes its folder. */
  stop(): Promise<void>;
}

type NodeProfile = Omit<Extract<Call, { readonly type: "nodes.register" }>, "type" | "joinToken">;

export interface AddNodeOptions {
  readonly key: KeyPair;
  /** Name of the farm. */
  readonly farm: string;
  /** Makes its twin along, which is free of fee. Default false: the twin is there. */
  readonly newTwin?: boolean;
  /** What differs from a node with 8 processors, 16 GiB of memory and 128 GiB of storage in Ghent. */
  readonly profile?: Partial<NodeProfile>;
}

const nodeProfile = ({ encryptionKey }: KeyPair): NodeProfile => ({
  total: { cpuMilli: 8_000, memoryBytes: 2 ** 34, ssdBytes: 2 ** 37, hddBytes: 0 },
  location: { country: "Belgium", city: "Ghent", latitudeMicro: 0, longitudeMicro: 0 },
  interfaces: [],
  meshKey: encryptionKey,
  meshEndpoints: [],
  isolation: ["container"],
  softwareVersion: "1",
});

const TOKEN_LIFE_MS = 3_600_000;

async function addNode(client: ChainClient, chainId: string, { key, farm, newTwin = false, profile = {} }: AddNodeOptions): Promise<NodeId> {
  const found = await client.farmByName(farm);
  if (found === undefined) throw new Error(`there is no farm ${farm}`);
  const body = { chainId, farmId: found.id, expiresAtMs: Date.now() + TOKEN_LIFE_MS };
  const joinToken = { ...body, signature: testKey("farmer").sign("tfgrid/join-token/v1", encode(joinTokenBody, body)) };
  const twin: Call[] = newTwin ? [{ type: "twins.create", relays: [], encryptionKey: key.encryptionKey }] : [];
  const { events } = await client.submit(key, [...twin, { type: "nodes.register", joinToken, ...nodeProfile(key), ...profile }]);
  const registered = events.find((event) => event.type === "nodes.registered");
  if (registered?.type !== "nodes.registered") throw new Error("the node did not register");
  await client.submit(key, [{ type: "nodes.heartbeat", nodeId: registered.nodeId, uptimeSec: 1 }]);
  return registered.nodeId;
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
    addNode: (added) => addNode(client, chainId, added),
    stop: async () => {
      await client.close();
      await chain.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
