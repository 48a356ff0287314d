/**
 * What the notary believes about the ledger. Rights follow from values that are proven against signed headers, so that a
 * server that lies opens no document to a stranger; only whether there is something to look at is a server's word.
 */
import type { ChainClient, ChainReader } from "@tfgrid/tfchain";

/** All that rights depend on. */
export type Facts = Pick<ChainReader, "twin" | "node" | "contract" | "contracts" | "solution" | "solutionByName" | "anchor">;

export interface Ledger {
  /** `ask` answers `undefined` for no. A yes is always proven; a no is the server's newest word, too. */
  ask<T>(ask: (facts: Facts) => Promise<T | undefined>): Promise<T | undefined>;
}

/** What the notary's program needs of a chain's client. */
export interface NotaryChain extends Facts, Pick<ChainReader, "head" | "solutions"> {
  readonly proven: Pick<ChainClient["proven"], keyof Facts>;
}

/** For a ledger in the same process. */
export const ownLedger = (facts: Facts): Ledger => ({ ask: (ask) => ask(facts) });

export function provenLedger(chain: NotaryChain): Ledger {
  return {
    ask: async (ask) => {
      const yes = await ask(factsAt(chain.proven, 0));
      if (yes !== undefined) return yes;
      // A newer state can be there than the one that is proven so far: who was just named is not refused for that. Only where
      // the server says so, since the proof takes up to a block: strangers must not make us wait for nothing.
      if ((await ask(chain)) === undefined) return undefined;
      const { height } = await chain.head();
      return ask(factsAt(chain.proven, height));
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
