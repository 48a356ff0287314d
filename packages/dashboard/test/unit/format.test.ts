import { describe, expect, it } from "vitest";
import { ago, bytes, cores, duration, plural, runsOut, share, shortKey, tft } from "../../src/format/numbers.ts";
import { sentence } from "../../src/format/sentences.ts";
import { stateWord, toneOf, worstFirst } from "../../src/format/states.ts";

describe("numbers for people", () => {
  it.each([
    [0n, "0 TFT"],
    [1n, "0.0000001 TFT"],
    [250_000n, "0.025 TFT"],
    [12_345_678n, "1.23 TFT"],
    [20_000_000_000n, "2,000 TFT"],
  ])("money: %s units are %s", (units, words) => expect(tft(units)).toBe(words));

  it("never shows a small amount as nothing", () => {
    for (let units = 1n; units < 10_000_000n; units *= 3n) expect(tft(units)).not.toBe("0 TFT");
  });

  it.each([
    [0, "0 s"],
    [-5, "0 s"],
    [59_999, "59 s"],
    [3_600_000, "1 h"],
    [3_605_000, "1 h"],
    [90_061_000, "1 d 1 h"],
    [7_500_000, "2 h 5 min"],
  ])("duration: %s ms are %s", (ms, words) => expect(duration(ms)).toBe(words));

  it("ages, shares, sizes, counts", () => {
    expect([ago(1_000, 2_000), ago(0, 125_000), ago(0, 90_000_000)]).toEqual(["just now", "2 min ago", "1 d ago"]);
    expect([share(1, 0), share(5, 10), share(30, 10), share(-1, 10)]).toEqual([0, 50, 100, 0]);
    expect([bytes(-1), bytes(1.5 * 2 ** 30), cores(250), plural(1, "node"), plural(1_200, "node")]).toEqual(["0 B", "1.5 GiB", "0.25", "1 node", "1,200 nodes"]);
    expect([shortKey("ab"), shortKey("0123456789abcdef0123")]).toEqual(["ab", "01234567…0123"]);
  });

  it("says when money runs out", () => {
    expect(runsOut(100n, 0n)).toBe("costs nothing now");
    expect(runsOut(0n, 5n)).toBe("now");
    expect(runsOut(30n, 1n)).toBe("in 1 d 6 h");
    expect(runsOut(10n ** 12n, 1n)).toMatch(/years$/);
  });
});

describe("sentences", () => {
  it("start with a capital and end with a full stop", () => expect(sentence({ sentence: "node 3 is up", solutionId: null })).toBe("Node 3 is up."));
  it("keep names as they are written", () => expect(sentence({ sentence: "web-1 moved", solutionId: 1 }, { inSolution: true })).toBe("web-1 moved."));
  it("name the solution where several are told of", () => {
    const row = { sentence: "running", solutionId: 7 };
    expect(sentence(row, { nameOf: () => "shop" })).toBe("shop: running.");
    expect(sentence(row)).toBe("solution 7: running.");
    expect(sentence(row, { inSolution: true })).toBe("Running.");
  });
  it("do not name it twice", () => expect(sentence({ sentence: '"shop" was proposed by twin 1', solutionId: 7 }, { nameOf: () => "shop" })).toBe('"shop" was proposed by twin 1.'));
});

describe("states", () => {
  it("have one tone for all spellings", () => expect([toneOf("GracePeriod"), toneOf("grace"), toneOf("failed"), toneOf("no such state")]).toEqual(["warn", "warn", "bad", "quiet"]));
  it("have words", () => expect([stateWord("Created"), stateWord("drain"), stateWord("running")]).toEqual(["active", "draining", "running"]));
  it("sort the worst first", () => expect(["running", "failed", "deploying", "degraded"].sort(worstFirst)).toEqual(["failed", "degraded", "deploying", "running"]));
});
