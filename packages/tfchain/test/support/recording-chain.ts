/** A chain in memory whose every block is written down, with transactions that are really signed: what any engine can carry out. */
import { type Hex, bytesToHex } from "@tfgrid/primitives";
import fc from "fast-check";
import { type RecordedChain, carryOutBlocks, recordedChain } from "../../src/engines/index.ts";
import { MAIN_POLICY } from "../../src/runtime/policy/presets.ts";
import { type TxOutcome, createRuntime, genesisToJson } from "../../src/runtime/index.ts";
import { memoryStorage } from "../../src/state/index.ts";
import type { Call } from "../../src/types/calls.ts";
import { Chain, accountOf, cid, keyOf, makeSolution, partCall } from "../unit/runtime-harness.ts";
import { TINY, block, transactionsOf } from "./random-modules.ts";

export class RecordingChain extends Chain {
  readonly blocks: { readonly height: number; readonly timeMs: number; readonly txs: readonly Hex[] }[] = [];

  /** Those that an engine makes meanwhile are blocks like any other. */
  override block(afterMs: number, txs: readonly Uint8Array[] = []): TxOutcome[] {
    const endMs = this.timeMs + afterMs;
    for (const nextMs of this.idle(endMs)) this.next(nextMs - this.timeMs, []);
    return this.next(endMs - this.timeMs, txs);
  }

  override next(afterMs: number, txs: readonly Uint8Array[]): TxOutcome[] {
    const outcomes = super.next(afterMs, txs);
    this.blocks.push({ height: this.height, timeMs: this.timeMs, txs: txs.map(bytesToHex) });
    return outcomes;
  }

  override unsigned(name: string, calls: readonly Call[], over: Partial<{ nonce: number }> = {}): Uint8Array {
    return this.signed(keyOf(name), calls, over.nonce);
  }
}

const MINUTE = 60_000;

/** A farm, people, a solution, and then people who ask for everything at random: always the same chain. */
export function recordHistory(options: { readonly randomBlocks: number; readonly seed: number }): RecordedChain {
  const { governance, price, rewards, reputation } = MAIN_POLICY;
  const chain = new RecordingChain({
    rich: ["farmer", "user", "agent", "other", "heir"],
    validators: [{ publicKey: accountOf("validator"), power: 10 }],
    params: { settlementIntervalMs: 10_000, graceMs: 30_000, heartbeatIntervalMs: 20_000 },
    charter: { certifiers: ["other", "agent"].map(accountOf), feeders: ["user", "agent"].map(accountOf) },
    policy: {
      price: { ...price, minFeeders: 2, freshMs: 5 * MINUTE, stepMs: 1_000 },
      rewards: { ...rewards, periodMs: 2 * MINUTE, violationWitnesses: 1 },
      governance: { ...governance, votingMs: 30_000, timeLockMs: 20_000, depositUnits: 1_000_000n, provenMs: 0 },
      reputation: { ...reputation, halfLifeMs: 30 * MINUTE, evidenceMs: 10_000, noticeMs: 1_000 },
    },
  });
  chain.makeFarm("farmer");
  for (const name of ["user", "agent", "other"]) chain.makeTwin(name);
  chain.makeNode("node1");
  chain.makeNode("node2", "farmer", { publicConfig: { domain: "gw.example.org" } });
  for (const name of ["node1", "node2"]) chain.do("farmer", { type: "accounts.transfer", to: accountOf(name), amountUnits: 10_000_000n });
  const solution = makeSolution(chain, { depositUnits: 400_000n });
  chain.do("agent", partCall(chain, solution, { nodeId: chain.nodeOf("node2"), resources: TINY }));
  chain.do("other", { type: "accounts.stake", amountUnits: 2_000_000_000n, level: 3 }, { type: "notary.anchor", document: cid("terms"), contractId: null, solutionId: null });
  chain.run(MINUTE, { up: ["node1", "node2"] });
  for (const entry of fc.sample(block, { numRuns: options.randomBlocks, seed: options.seed })) chain.block(entry.afterMs, transactionsOf(chain, entry));
  return withHashes(chain);
}

function withHashes({ genesis, blocks }: RecordingChain): RecordedChain {
  const json = genesisToJson(genesis);
  const unhashed = recordedChain.fields.blocks.fromJson(blocks.map((entry) => ({ ...entry, appHash: "00".repeat(32) })));
  const [first, ...hashes] = [...carryOutBlocks({ runtime: createRuntime(), storage: memoryStorage(), chain: { genesis: json, blocks: unhashed } })];
  return {
    genesis: json,
    genesisAppHash: first!.appHash,
    blocks: unhashed.map((entry, index) => ({ ...entry, appHash: hashes[index]!.appHash })),
  };
}
