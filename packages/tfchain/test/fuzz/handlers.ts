/** The RPC's methods over a chain in memory that stands still: for bodies from strangers. */
import { keyPairFromSeed, silentLogger } from "@tfgrid/primitives";
import { genesisHashOf, solo } from "../../src/engines/index.ts";
import type { Handler } from "../../src/rpc/dispatch.ts";
import { handlersOf } from "../../src/rpc/handlers.ts";
import { type Runtime, defaultGenesis, genesisToJson } from "../../src/runtime/index.ts";
import { memoryStorage } from "../../src/state/index.ts";

export function rpcHandlers(runtime: Runtime): ReadonlyMap<string, Handler> {
  const authority = keyPairFromSeed(new Uint8Array(32).fill(1));
  const chainId = "test-chain";
  const genesis = defaultGenesis({ chainId, foundation: authority.account, validatorsPool: authority.account, accounts: [] });
  const genesisHash = genesisHashOf(genesisToJson(genesis), authority.account);
  const onFatal = (error: unknown): never => {
    throw error;
  };
  const engine = solo({ storage: memoryStorage(), runtime, chainId, genesis, genesisHash, authority, clock: { nowMs: () => 0, sleep: () => Promise.resolve() }, logger: silentLogger, onFatal });
  const handlers = handlersOf(engine, runtime);
  // Nothing more is made: its timer would keep the program alive.
  void engine.stop();
  return handlers;
}
