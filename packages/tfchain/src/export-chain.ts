/** A stopped chain's ledger as the genesis of another: of either engine, for either engine. */
import { existsSync } from "node:fs";
import { lockFolder } from "./engines/lock.ts";
import { chainErrors } from "./light/errors.ts";
import { type Genesis, exportGenesis } from "./runtime/index.ts";
import { readBlockTimeMs } from "./runtime/nodes/pulse.ts";
import { lmdbStorage, openState } from "./state/index.ts";

export interface ExportChainOptions {
  /** Of a chain that does not run now. */
  readonly dataDir: string;
  /** Another name for the new chain; without it, the new chain takes what was signed for the old one. */
  readonly chainId?: string | undefined;
}

/** @throws GridError chain.data_locked while it runs, chain.nothing_to_export */
export async function exportChain({ dataDir, chainId }: ExportChainOptions): Promise<Genesis> {
  if (!existsSync(dataDir)) throw nothing(dataDir);
  const lock = await lockFolder(dataDir);
  try {
    const storage = lmdbStorage(dataDir);
    try {
      const state = openState(storage);
      if (state.version < 0) throw nothing(dataDir);
      return exportGenesis(state, { height: state.version, timeMs: readBlockTimeMs(state), chainId });
    } finally {
      await storage.close();
    }
  } finally {
    await lock.release();
  }
}

const nothing = (folder: string): Error => chainErrors.fail("chain.nothing_to_export", { message: `${folder} holds no ledger.`, details: { folder } });
