import { describe, expect, it } from "vitest";
import { NO_CHARTER } from "../../src/runtime/policy/presets.ts";
import { charterCell } from "../../src/runtime/policy/store.ts";
import { median } from "../../src/runtime/pricing/feed.ts";
import type { Call } from "../../src/types/calls.ts";
import { type Chain, TFT, accountOf, makeSolution, nodeCall, partCall, world } from "./runtime-harness.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const FEEDERS = ["user", "other", "agent"] as const;
const feed = (tftPriceMicroUsd: number): Call => ({ type: "pricing.feed", tftPriceMicroUsd });
/** Steps of 5 % each 10 s, words fresh for 5 minutes, three feeders needed. */
function fed(over: ConstructorParameters<typeof Chain>[0] = {}): Chain {
  return world({ charter: { feeders: FEEDERS.map(accountOf) }, ...over });
}
const price = (chain: Chain): number => chain.read.pricing().tftPriceMicroUsd;
const say = (chain: Chain, ...prices: readonly number[]): void => prices.forEach((value, index) => void chain.do(FEEDERS[index] ?? "user", feed(value)));

describe("the median", () => {
  it("is a price that somebody said, of enough people", () => {
    expect(median([5, 1, 9], 3)).toBe(5);
    expect(median([4, 1, 9, 7], 3)).toBe(4);
    expect(median([5, 1], 3)).toBeUndefined();
  });
});

describe("the price of TFT", () => {
  it("is the genesis' own, and never stale, while nobody feeds it", () => {
    const chain = world();
    chain.refuse("governance.not_a_feeder", "user", feed(80_000));
    chain.run(HOUR, { stepMs: 5 * MINUTE });
    expect(chain.read.price()).toMatchObject({ tftPriceMicroUsd: 80_000, stale: false, feeds: [] });
  });

  it("needs three, follows their median in steps of 5 %, and one liar moves nothing", () => {
    const chain = fed();
    say(chain, 100_000, 100_000);
    expect(price(chain)).toBe(80_000);
    chain.do("agent", feed(1_000_000));
    // 5 % of 80,000.
    expect(price(chain)).toBe(84_000);
    // Not again within 10 s.
    chain.do("user", feed(100_000));
    expect(price(chain)).toBe(84_000);
    const seen: number[] = [];
    for (let step = 0; step < 5; step += 1) {
      chain.run(10_000, { stepMs: 10_000 });
      chain.do("user", feed(100_000));
      seen.push(price(chain));
    }
    // 84,000 + 5 %, each rounded down: 88,200; 92,610; 97,240; then the median itself.
    expect(seen).toEqual([88_200, 92_610, 97_240, 100_000, 100_000]);
  });

  it("stays where it was when the feeders fall silent, and says so", () => {
    const chain = fed();
    say(chain, 80_000, 80_000, 80_000);
    expect(chain.read.price().stale).toBe(false);
    chain.run(5 * MINUTE, { stepMs: MINUTE });
    expect(chain.read.price()).toMatchObject({ stale: true, tftPriceMicroUsd: 80_000 });
    // An old word is no third one beside two new.
    say(chain, 60_000, 60_000);
    expect(price(chain)).toBe(80_000);
    say(chain, 60_000, 60_000, 60_000);
    expect([price(chain), chain.read.price().stale]).toEqual([76_000, false]);
  });

  it("listens to nobody who lost the office, and keeps its bounds", () => {
    const chain = fed({ policy: { price: { minFeeders: 1, freshMs: HOUR, stepMs: 1_000, maxStepPercent: 50, minMicroUsd: 50_000, maxMicroUsd: 100_000 } } });
    say(chain, 1_000_000);
    expect(price(chain)).toBe(100_000);
    charterCell.put(chain.state, { ...NO_CHARTER, feeders: [accountOf("other")] });
    chain.run(1_000);
    chain.do("other", feed(1));
    expect(price(chain)).toBe(50_000);
  });
});

describe("contracts", () => {
  it("follow the price from their next bill on", () => {
    const chain = fed({ params: { settlementIntervalMs: HOUR, heartbeatIntervalMs: 10 * MINUTE, graceMs: 24 * HOUR } });
    const solution = makeSolution(chain);
    chain.do("user", nodeCall(chain, { depositUnits: 20n * TFT }));
    // Far enough apart that their bills are not gathered.
    chain.run(1_000);
    chain.do("agent", partCall(chain, solution));
    say(chain, 40_000, 40_000, 40_000);
    expect(price(chain)).toBe(76_000);
    chain.run(HOUR, { up: ["node1"], stepMs: 5 * MINUTE });
    const costs = () => chain.read.contracts({}).map(({ costPerHourUnits, billedUnits }) => [costPerHourUnits, billedUnits]);
    // 0.07084 USD at 0.076: 0.93210526... TFT; the hour until now was billed at 0.8855.
    expect(costs()[0]).toEqual([9_321_052n, 8_855_000n]);
    expect(costs()[1]?.[0]).toBe(9_321_052n);
    expect(chain.read.discount(chain.twin("user")).spendPerHourUnits).toBe(18_642_104n);
    chain.run(HOUR, { up: ["node1"], stepMs: 5 * MINUTE });
    expect(costs()[0]?.[1]).toBe(18_176_052n);
  });
});
