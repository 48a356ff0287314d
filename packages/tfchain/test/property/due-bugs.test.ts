/**
 * Time-based work with bugs at random, among random calls of all people. The chain goes on, every invariant holds after every
 * block, a second ledger with the same bugs ends in the same state, and once they are mended nothing stays behind.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRuntime, exportGenesis, genesisStart, genesisToJson, parseGenesis } from "../../src/runtime/index.ts";
import type { DueHandler } from "../../src/runtime/module.ts";
import { DUE_HANDLERS } from "../../src/runtime/modules.ts";
import type { DueKind } from "../../src/runtime/store/due.ts";
import { block, populated, transactionsOf } from "../support/random-modules.ts";
import { MemoryState } from "../unit/runtime-harness.ts";

const MINUTE = 60_000;

/** Fails on some things for ever and on some now and then, after or before it has done the work, and half of its payments. */
function withBugs(fault: { mended: boolean; readonly salt: number }): Readonly<Record<DueKind, DueHandler>> {
  const bug = (id: number, timeMs: number): boolean => !fault.mended && ((id * 7 + fault.salt) % 3 === 0 || (id + Math.floor(timeMs / 1_000) + fault.salt) % 5 === 0);
  const wrapped = (kind: DueKind): DueHandler => (context, id, payouts) => {
    const broken = bug(id, context.block.timeMs);
    if (broken && id % 2 === 0) throw new TypeError("before anything was done");
    const work = DUE_HANDLERS[kind](context, id, payouts);
    if (broken) throw new Error("after it was done");
    return work;
  };
  return { book: wrapped("book"), contract: wrapped("contract"), node: wrapped("node"), proposal: wrapped("proposal"), solution: wrapped("solution") };
}

describe("bugs in time-based work", () => {
  it("stop nobody, lose nothing, and leave nothing behind", () => {
    const kinds = new Set<string>();
    let recovered = 0;
    const walk = fc.record({ salt: fc.nat({ max: 14 }), blocks: fc.array(block, { minLength: 12, maxLength: 24, size: "max" }), lateMs: fc.constantFrom(0, 1, 40, 700) });
    fc.assert(
      fc.property(walk, ({ salt, blocks, lateMs }) => {
        const fault = { mended: false, salt };
        const due = withBugs(fault);
        const chain = populated({ runtime: createRuntime({ due }) });
        const second = createRuntime({ due });
        const copy = new MemoryState();
        for (const [key, value] of chain.state.map) copy.set(key, value);
        const pass = (endMs: number): void => {
          for (const nextMs of chain.idle(endMs, lateMs)) {
            chain.timeMs = nextMs;
            chain.events.push(...chain.runtime.beginBlock(chain.state, chain.context()));
            second.beginBlock(copy, chain.context());
          }
        };
        for (const entry of blocks) {
          const bytes = transactionsOf(chain, entry);
          const endMs = chain.timeMs + entry.afterMs;
          pass(endMs);
          chain.next(endMs - chain.timeMs, bytes);
          second.beginBlock(copy, chain.context());
          for (const tx of bytes) second.deliverTx(copy, chain.context(), second.decodeTx(tx, 1 << 20));
        }
        for (const { kind } of chain.read.failedWork({ limit: 1_000 })) kinds.add(kind);
        // A ledger that starts from an export goes on with what had failed.
        const genesis = exportGenesis(chain.state, { height: chain.height, timeMs: chain.timeMs });
        const moved = new MemoryState();
        second.initGenesis(moved, parseGenesis(genesisToJson(genesis)), { chainId: genesis.chainId, ...genesisStart(genesis) });
        expect(moved.dump()).toBe(chain.state.dump());
        fault.mended = true;
        // No bug has waited for longer than the minutes that the walk lasted.
        pass(chain.timeMs + 20 * MINUTE);
        expect(chain.read.failedWork()).toEqual([]);
        expect(chain.runtime.invariants(chain.state)).toEqual([]);
        expect(copy.dump()).toBe(chain.state.dump());
        recovered += chain.events.filter(({ type }) => type === "work.recovered").length;
      }),
      { numRuns: 12, seed: 11, endOnFailure: true },
    );
    expect([...kinds].sort()).toEqual(["book", "contract", "node", "proposal", "solution"]);
    expect(recovered).toBeGreaterThan(10);
  }, 600_000);
});
