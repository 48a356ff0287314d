/** How a new server comes to know a running chain: its genesis, whom to connect to, and a verified block to begin with. */
import { type Clock, type Height, type Hex, type JsonValue, hasCode, messageOf } from "@tfgrid/primitives";
import { headersOf } from "./client/proven.ts";
import { httpTransport } from "./client/transport.ts";
import { genesisHashOf } from "./engines/genesis.ts";
import type { CometSettings } from "./engines/cometbft/home.ts";
import { type ChainTrust, LightClient, chainErrors, factsOf } from "./light/index.ts";
import { LIGHT_LIMITS } from "./limits.ts";
import { trustInValidators } from "./new-chain.ts";
import { type Genesis, genesisToJson, parseGenesis } from "./runtime/index.ts";

export interface AskToJoin {
  /** RPC of servers of the chain: the first is asked, and all are used to verify what the snapshot is compared with. */
  readonly urls: readonly [string, ...string[]];
  /** What is believed beforehand: a chain's trust, or a block. Without it: the validators of the genesis that the first server shows. */
  readonly trust?: ChainTrust | { readonly height: Height; readonly hash: Hex } | undefined;
  /** Of the genesis, known from elsewhere. */
  readonly genesisHash?: Hex | undefined;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

export interface Joining {
  readonly genesis: Genesis;
  /** To be compared with what others say: whoever believes a wrong genesis is on a wrong chain. */
  readonly genesisHash: Hex;
  readonly genesisTimeMs: number;
  readonly peers: readonly string[];
  /** What the server begins with instead of carrying out all blocks anew. */
  readonly stateSync: NonNullable<CometSettings["stateSync"]>;
  readonly trust: ChainTrust;
}

/** State sync compares servers with each other, and refuses to begin with one; the same one twice is as good as one. */
const LEAST_SERVERS = 2;

/** @throws GridError chain.not_open, chain.genesis_mismatch, chain.unreachable, genesis.invalid, light.* */
export async function askToJoin({ urls, genesisHash: expected, clock, signal, ...rest }: AskToJoin): Promise<Joining> {
  const server = httpTransport(urls[0]);
  const invitation = await server.call("chain.invitation", {}, { signal });
  const genesis = parseGenesis(parseJson(invitation.genesis));
  const genesisHash = genesisHashOf(genesisToJson(genesis), "cometbft");
  if (expected !== undefined && expected !== genesisHash) {
    throw chainErrors.fail("chain.genesis_mismatch", { message: `${urls[0]} shows another genesis.`, details: { url: urls[0], genesisHash, expected } });
  }
  const trust = { chainId: genesis.chainId, ...(rest.trust ?? trustInValidators(genesis.chainId, genesis.validators ?? [])) };
  const source = headersOf(server);
  const newest = await source.header(undefined, signal);
  const { height, hash } = await new LightClient({ trust, clock }).verify(newest, source, signal);
  const rpcServers = (await serversWith({ height, hash, urls, clock, signal })).map((url) => `${url.replace(/\/$/, "")}/comet`);
  while (rpcServers.length < LEAST_SERVERS) rpcServers.push(rpcServers[0] ?? "");
  return { genesis, genesisHash, genesisTimeMs: invitation.genesisTimeMs, peers: invitation.peers, stateSync: { rpcServers, trustHeight: height, trustHash: hash }, trust };
}

interface WantedBlock {
  readonly height: Height;
  readonly hash: Hex;
  readonly urls: readonly [string, ...string[]];
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/**
 * The first server and those of the others that have the block which is believed. cometbft asks each of them for it when it begins and
 * gives up when one has not got it: one that has just been started is waited for a little, one that is away is left out.
 * @throws GridError light.fork_detected when one shows another block
 */
async function serversWith({ urls: [first, ...others], ...wanted }: WantedBlock): Promise<readonly string[]> {
  const able = await Promise.all(others.map((url) => hasBlock(url, wanted)));
  return [first, ...others.filter((_, index) => able[index])];
}

async function hasBlock(url: string, { height, hash, clock, signal }: Omit<WantedBlock, "urls">): Promise<boolean> {
  const { call } = httpTransport(url);
  const untilMs = clock.nowMs() + LIGHT_LIMITS.joinPatienceMs;
  for (;;) {
    try {
      const shown = factsOf(await call("header.get", { height }, { signal, timeoutMs: LIGHT_LIMITS.joinPatienceMs })).hash;
      if (shown === hash) return true;
      throw chainErrors.fail("light.fork_detected", { message: `${url} shows another block of height ${height}.`, details: { url, height, hash: shown, expected: hash } });
    } catch (error) {
      signal?.throwIfAborted();
      if (hasCode(error, "light.fork_detected")) throw error;
      if (clock.nowMs() >= untilMs) return false;
      await clock.sleep(LIGHT_LIMITS.joinPauseMs, signal);
    }
  }
}

function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw chainErrors.fail("light.bad_answer", { message: `The server's genesis is no JSON: ${messageOf(cause)}`, cause });
  }
}
