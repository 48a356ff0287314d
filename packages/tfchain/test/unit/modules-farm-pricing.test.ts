/** A farm's own prices: who may set them, how far, and from when on they count. What they come to is in modules-by-hand. */
import { describe, expect, it } from "vitest";
import { policyCell } from "../../src/runtime/policy/store.ts";
import { announcedTerms, termsAt } from "../../src/runtime/pricing/terms.ts";
import type { Call } from "../../src/types/calls.ts";
import type { FarmTerms } from "../../src/types/entities.ts";
import { type Chain, twinCall, world } from "./runtime-harness.ts";

const MINUTE = 60_000;
const LEDGER: FarmTerms = { computePercent: 100, ipv4Percent: 100, trafficPercent: 100, rentDiscountPercent: null };
const farmOf = (chain: Chain) => chain.read.farmByName("farm")!;
const ask = (chain: Chain, terms: Partial<FarmTerms> | null): Call => ({ type: "farms.set_pricing", farmId: farmOf(chain).id, terms: terms && { ...LEDGER, ...terms } });

describe("a farm's prices", () => {
  it("are its farmer's to set, within what governance allows", () => {
    const chain = world();
    chain.refuse("farms.not_owner", "other", ask(chain, { computePercent: 80 }));
    chain.refuse("farms.not_owner", "user", ask(chain, null));
    chain.refuse("farms.not_found", "farmer", { type: "farms.set_pricing", farmId: 99 as never, terms: null });
    const { error } = chain.refuse("farms.price_out_of_range", "farmer", ask(chain, { computePercent: 49 }));
    expect(error?.details).toMatchObject({ name: "computePercent", value: 49, min: 50, max: 200 });
    for (const terms of [{ ipv4Percent: 201 }, { trafficPercent: 1 }, { rentDiscountPercent: 81 }]) chain.refuse("farms.price_out_of_range", "farmer", ask(chain, terms));
    expect(farmOf(chain).pricing).toBeUndefined();
    chain.do("farmer", ask(chain, { computePercent: 50, rentDiscountPercent: 80 }));
    expect(farmOf(chain).pricing).toEqual({ terms: { ...LEDGER, computePercent: 50, rentDiscountPercent: 80 }, next: null });
  });

  it("fall at once and rise after the notice, whatever else changes with it", () => {
    const chain = world();
    chain.do("farmer", ask(chain, { computePercent: 80 }));
    expect(chain.events.findLast(({ type }) => type === "farms.priced")).toMatchObject({ fromMs: chain.timeMs });
    chain.do("farmer", ask(chain, { computePercent: 70, trafficPercent: 101 }));
    const saidMs = chain.timeMs;
    const next = { terms: { ...LEDGER, computePercent: 70, trafficPercent: 101 }, fromMs: saidMs + MINUTE };
    expect(farmOf(chain).pricing).toEqual({ terms: { ...LEDGER, computePercent: 80 }, next });
    expect([termsAt(farmOf(chain), saidMs + MINUTE - 1).computePercent, termsAt(farmOf(chain), saidMs + MINUTE).computePercent]).toEqual([80, 70]);
    expect(announcedTerms(farmOf(chain))).toEqual(next.terms);
    // Said anew before it counts: what counts stays, and the notice begins again.
    chain.run(30_000, { up: ["node1"] });
    chain.do("farmer", ask(chain, { computePercent: 90 }));
    expect(farmOf(chain).pricing).toEqual({ terms: { ...LEDGER, computePercent: 80 }, next: { terms: { ...LEDGER, computePercent: 90 }, fromMs: chain.timeMs + MINUTE } });
    chain.do("farmer", ask(chain, { computePercent: 60 }));
    expect(farmOf(chain).pricing).toEqual({ terms: { ...LEDGER, computePercent: 60 }, next: null });
  });

  it("a smaller discount on whole nodes is dearer; back to the ledger's prices leaves no trace", () => {
    const chain = world();
    chain.do("farmer", ask(chain, { rentDiscountPercent: 60 }));
    chain.do("farmer", ask(chain, null));
    expect(farmOf(chain).pricing?.next?.terms).toEqual(LEDGER);
    chain.run(MINUTE, { up: ["node1"] });
    chain.do("farmer", ask(chain, null));
    expect(farmOf(chain).pricing).toBeUndefined();
  });

  it("go with the farm to a new farmer, and end with the farm", () => {
    const chain = world();
    chain.do("farmer", ask(chain, { computePercent: 80 }), { type: "farms.offer", farmId: farmOf(chain).id, to: chain.twin("other") });
    chain.do("other", { type: "farms.accept", farmId: farmOf(chain).id });
    expect(farmOf(chain).pricing?.terms.computePercent).toBe(80);
    chain.refuse("farms.not_owner", "farmer", ask(chain, { computePercent: 50 }));
  });

  it("a ledger that was begun before there were such numbers knows the main network's", () => {
    const chain = world();
    const { farmPricing: _prices, power: _power, ...old } = chain.read.policy();
    policyCell.put(chain.state, old);
    expect(chain.read.policy()).toMatchObject({ farmPricing: { minPercent: 50, maxPercent: 200, noticeMs: 72 * 60 * MINUTE }, power: { wakeMs: 30 * MINUTE } });
    expect(chain.read.parameters().find(({ name }) => name === "farmPricing.maxPercent")).toEqual({ name: "farmPricing.maxPercent", value: 200, min: 100, max: 500 });
    chain.do("farmer", ask(chain, { computePercent: 120 }));
    expect(farmOf(chain).pricing?.next?.fromMs).toBe(chain.timeMs + 72 * 60 * MINUTE);
  });

  it("needs a twin", () => {
    const chain = world({ rich: ["farmer", "user", "agent", "other", "stranger"] });
    chain.refuse("twins.unknown_signer", "stranger", ask(chain, null));
    chain.do("stranger", twinCall("stranger"));
    chain.refuse("farms.not_owner", "stranger", ask(chain, null));
  });
});
