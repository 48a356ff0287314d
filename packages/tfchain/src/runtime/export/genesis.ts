import type { StateReader } from "../api.ts";
import type { Genesis } from "../genesis.ts";
import { readConstitution, readParams } from "../params/store.ts";
import { charterCell, policyCell } from "../policy/store.ts";
import { readPricing } from "../pricing/store.ts";
import { exportContent } from "./content.ts";

export interface ExportOptions {
  /** The block after which the state was read: the new chain's first block is the next. */
  readonly height: number;
  readonly timeMs: number;
  /** Another name for the new chain. Signatures name the chain, so nothing that was signed for the old one counts there. */
  readonly chainId?: string | undefined;
}

/**
 * A genesis that starts a chain with all that this state holds: every answer to a query is the same there, and the chain goes
 * on at the next height. Its size grows with the state.
 */
export function exportGenesis(state: StateReader, options: ExportOptions): Genesis {
  const { height, timeMs, chainId } = options;
  const constitution = readConstitution(state);
  const [policy, charter] = [policyCell.get(state), charterCell.get(state)];
  return {
    chainId: chainId ?? constitution.chainId,
    params: readParams(state),
    pricing: readPricing(state),
    foundation: constitution.foundation,
    validatorsPool: constitution.validatorsPool,
    accounts: [],
    ...(policy === undefined ? {} : { policy }),
    ...(charter === undefined ? {} : { charter }),
    content: exportContent(state, { height, timeMs }),
  };
}

/** After which block, and when, a chain of this genesis begins: 0 and 0 unless it goes on from another. */
export function genesisStart({ content }: Pick<Genesis, "content">): { readonly height: number; readonly timeMs: number } {
  return { height: content?.height ?? 0, timeMs: content?.timeMs ?? 0 };
}
