/**
 * What the notary believes about the ledger. Rights follow from values that are proven against signed headers, so that a
 * server that lies opens no document to a stranger; only whether there is something to look at is a server's word.
 */
import type { ChainClient, ChainReader } from "@tfgrid/tfchain";

/** All that rights depend on. */
export type Facts = Pick<ChainReader, "twin" | "node" | "contract" | "contracts" | "solution" | "solutionByName" | "anchor">;

export interface Ledger {
  /** `ask` answers `undefined` for no; a no is only given of a state that is as new as the server's. */
  ask<T>(ask: (facts: Facts) => Promise<T | undefined>): Promise<T | undefined>;
}

/** What the notary's program needs of a chain's client. Lists say what to look at, heads how far the server is. */
export interface NotaryChain extends Pick<ChainReader, "head" | "contracts" | "solutions"> {
  readonly proven: Pick<ChainClient["proven"], keyof Facts | "height">;
}

/** For a ledger in the same process. */
export const ownLedger = (facts: Facts): Ledger => ({ ask: (ask) => ask(facts) });

export function provenLedger({ head, proven }: Pick<NotaryChain, "head" | "proven">): Ledger {
  return {
    ask: async (ask) => {
      const yes = await ask(factsAt(proven, 0));
      if (yes !== undefined) return yes;
      // A newer state can exist than the one that is proven so far: who was just named must not be refused for that.
      const { height } = await head();
      return proven.height() >= height ? undefined : ask(factsAt(proven, height));
    },
  };
}

function factsAt(proven: NotaryChain["proven"], atLeast: number): Facts {
  const read = { atLeast };
  return {
    twin: (id) => proven.twin(id, read),
    node: (id) => proven.node(id, read),
    contract: (id) => proven.contract(id, read),
    contracts: (page) => proven.contracts(page, read),
    solution: (id) => proven.solution(id, read),
    solutionByName: (twinId, name) => proven.solutionByName(twinId, name, read),
    anchor: (document) => proven.anchor(document, read),
  };
}
