/**
 * The order in which ABCI 2.0 lets an application be called (spec/abci/abci++_comet_expected_behavior.md of CometBFT 0.38), as a
 * checker: it is given every request of the consensus and snapshot connections, and Info, and says where the order is broken.
 *
 *     start            = clean-start / recovery
 *     clean-start      = info ( init-chain / *sync-attempt success-sync info ) *height
 *     sync-attempt     = offer-snapshot *apply-chunk
 *     success-sync     = offer-snapshot 1*apply-chunk
 *     recovery         = info [ init-chain ] *height
 *     height           = *round finalize-block commit
 *     round            = *verify-vote [ prepare-proposal [ process-proposal ] / process-proposal ] [ extend-vote ]
 */
import type { RequestValue } from "../../src/engines/cometbft/server.ts";

type Kind = RequestValue["case"];
type State = "start" | "informed" | "offered" | "restoring" | "deciding" | "finalized";

/** Asked at any time: by users, by other nodes, and to keep a connection alive. */
const ANY_TIME: ReadonlySet<Kind> = new Set<Kind>(["echo", "flush", "checkTx", "query", "listSnapshots", "loadSnapshotChunk"]);

/** What a height is made of until it is decided. */
const ROUNDS: Partial<Record<Kind, State>> = {
  prepareProposal: "deciding",
  processProposal: "deciding",
  extendVote: "deciding",
  verifyVoteExtension: "deciding",
  finalizeBlock: "finalized",
};

const NEXT: Readonly<Record<State, Partial<Record<Kind, State>>>> = {
  start: { info: "informed" },
  informed: {
    info: "informed",
    initChain: "deciding",
    offerSnapshot: "offered",
    ...ROUNDS,
  },
  offered: { offerSnapshot: "offered", applySnapshotChunk: "restoring" },
  restoring: { offerSnapshot: "offered", applySnapshotChunk: "restoring", info: "informed" },
  // Every RPC client of cometbft may ask for Info.
  deciding: { info: "deciding", ...ROUNDS },
  finalized: { info: "finalized", commit: "deciding" },
};

export class AbciGrammar {
  #state: State = "start";
  #height: bigint | undefined;
  readonly seen: Kind[] = [];

  /** @throws Error when this request may not come now */
  expect(request: RequestValue): void {
    this.seen.push(request.case);
    if (ANY_TIME.has(request.case)) return;
    const next = NEXT[this.#state][request.case];
    if (next === undefined) throw new Error(`${request.case} may not come in state ${this.#state}; before it came ${this.seen.slice(-6, -1).join(", ")}`);
    this.#state = next;
    if (request.case === "finalizeBlock") this.#expectHeight(request.value.height);
  }

  #expectHeight(height: bigint): void {
    if (this.#height !== undefined && height !== this.#height + 1n) throw new Error(`block ${height} came after block ${this.#height}`);
    this.#height = height;
  }

  count(kind: Kind): number {
    return this.seen.filter((one) => one === kind).length;
  }
}
