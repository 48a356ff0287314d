/**
 * Random users of the other modules: stakes, keys, farms, rents, services, votes, prices, reviews, among contracts that live
 * and die. The invariants hold after every block, and a second ledger that carries out the same blocks ends in the same state.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRuntime } from "../../src/runtime/index.ts";
import { type Block, block, populated, transactionsOf } from "../support/random-modules.ts";
import { MemoryState } from "../unit/runtime-harness.ts";

const LATE_MS = [0, 2, 40, 900] as const;

function walk(blocks: readonly Block[], seen: Set<string>): void {
  const chain = populated();
  const second = createRuntime();
  const copy = new MemoryState();
  for (const [key, value] of chain.state.map) copy.set(key, value);
  chain.events.length = 0;
  for (const entry of blocks) {
    const bytes = transactionsOf(chain, entry);
    const endMs = chain.timeMs + entry.afterMs;
    // Now and then somewhat later than what is due, as blocks of validators are.
    for (const nextMs of chain.idle(endMs, entry.alive ? LATE_MS[entry.txs.length % LATE_MS.length] : 0)) {
      chain.timeMs = nextMs;
      chain.events.push(...chain.runtime.beginBlock(chain.state, chain.context()));
      second.beginBlock(copy, chain.context());
    }
    for (const outcome of chain.next(endMs - chain.timeMs, bytes)) seen.add(outcome.error?.code ?? "ok");
    second.beginBlock(copy, chain.context());
    for (const tx of bytes) second.deliverTx(copy, chain.context(), second.decodeTx(tx, 1 << 20));
  }
  for (const event of chain.events) seen.add(event.type === "governance.closed" ? `${event.type}: ${event.state}` : "cause" in event ? `${event.type}: ${event.cause}` : event.type);
  expect(copy.dump()).toBe(chain.state.dump());
}

describe("random calls of the other modules", () => {
  it("keep every invariant, and two ledgers agree", () => {
    const seen = new Set<string>();
    const blocks = fc.array(block, { minLength: 20, maxLength: 40, size: "max" });
    fc.assert(
      fc.property(blocks, (list) => walk(list, seen)),
      // A fixed walk, so that what it must have reached below is no matter of luck.
      { numRuns: 45, seed: 23 },
    );
    const corners = [
      "accounts.staked",
      "accounts.unstaked",
      "accounts.burned",
      "twins.moved: transferred",
      "farms.moved",
      "nodes.deleted",
      "nodes.certified",
      "nodes.power",
      "nodes.asleep",
      "nodes.not_empty",
      "farms.priced",
      "farms.price_out_of_range",
      "nodes.violation",
      "contracts.deleted: rent_ended",
      "contracts.deleted: node_deleted",
      "services.agreed",
      "services.billed",
      "services.ended: out_of_funds",
      "governance.closed: executed",
      "governance.closed: rejected",
      "pricing.moved",
      "rewards.settled",
      "reputation.reviewed",
      "contracts.node_rented",
      "twins.terms_not_accepted",
    ];
    expect(corners.filter((name) => !seen.has(name))).toEqual([]);
    // Seconds on an idle machine; a busy one must not make it fail.
  }, 600_000);
});
