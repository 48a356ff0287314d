import fc from "fast-check";
import type { NodeId } from "@tfgrid/primitives";
import { describe, expect, test } from "vitest";
import { choosePath } from "../../src/core/choose-path.ts";
import { graphOf, type LinkAd } from "../../src/core/link-state.ts";
import { pathCost, shortestPaths } from "../../src/core/shortest-path.ts";
import { LINK_STATE_LIMITS, PATH_LIMITS } from "../../src/limits.ts";

const COUNT = 7;
const ads = fc
  .record({
    links: fc.array(fc.tuple(fc.nat(COUNT - 1), fc.nat(COUNT - 1), fc.integer({ min: 1, max: 50_000 }), fc.integer({ min: 1, max: 50_000 })), { maxLength: 20 }),
    forwards: fc.array(fc.boolean(), { minLength: COUNT, maxLength: COUNT }),
  })
  .map(({ links, forwards }): LinkAd[] => {
    const table = Array.from({ length: COUNT }, () => new Map<number, number>());
    for (const [a, b, there, back] of links) {
      table[a]?.set(b, there);
      table[b]?.set(a, back);
    }
    return table.map((row, index) => ({
      nodeId: index as NodeId,
      seq: 1,
      forwards: forwards[index] as boolean,
      links: [...row].map(([to, delayUs]) => ({ to: to as NodeId, delayUs, lossPermille: 0 })),
    }));
  });

function bruteForce(all: readonly LinkAd[], from: number, to: number): number | undefined {
  const cost = (a: number, b: number): number | undefined => {
    const one = all[a]?.links.find((link) => link.to === b)?.delayUs;
    const other = all[b]?.links.find((link) => link.to === a)?.delayUs;
    return one === undefined || other === undefined ? undefined : Math.max(one, other);
  };
  let best: number | undefined;
  const walk = (at: number, seen: readonly number[], sum: number): void => {
    if (at === to) best = best === undefined ? sum : Math.min(best, sum);
    if (at === to || (at !== from && !all[at]?.forwards) || seen.length > PATH_LIMITS.maxHops + 1) return;
    for (let next = 0; next < COUNT; next += 1) {
      const step = cost(at, next);
      if (step !== undefined && !seen.includes(next)) walk(next, [...seen, next], sum + step + (at === from ? 0 : LINK_STATE_LIMITS.hopCostUs));
    }
  };
  walk(from, [from], 0);
  return best;
}

describe("shortest paths", () => {
  test("cost what trying every path finds, and are made of living links", () => {
    fc.assert(
      fc.property(ads, (all) => {
        const graph = graphOf(all);
        for (let from = 0; from < COUNT; from += 1) {
          const paths = shortestPaths(graph, from as NodeId);
          for (let to = 0; to < COUNT; to += 1) {
            if (to === from) continue;
            const path = paths.get(to as NodeId);
            expect(path?.costUs).toBe(bruteForce(all, from, to));
            expect(path === undefined ? undefined : pathCost(graph, path.nodes)).toBe(path?.costUs);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("do not depend on the order in which the words came", () => {
    fc.assert(
      fc.property(ads, fc.nat(), (all, turn) => {
        const shifted = [...all.slice(turn % COUNT), ...all.slice(0, turn % COUNT)];
        expect([...shortestPaths(graphOf(shifted), 0 as NodeId)].toSorted()).toEqual([...shortestPaths(graphOf(all), 0 as NodeId)].toSorted());
      }),
    );
  });
});

describe("hysteresis", () => {
  const path = (costUs: number, ...nodes: number[]) => ({ nodes: nodes as NodeId[], costUs });
  const state = { nodes: [1, 2] as NodeId[] };

  test("a slightly better path is never taken, a clearly better one after its time, and flapping starts the time anew", () => {
    expect(choosePath(state, { best: path(9_500, 1, 3, 2), currentCostUs: 10_000, nowMs: 0 })).toEqual({ state, switched: false });
    const better = { best: path(5_000, 1, 3, 2), currentCostUs: 10_000 };
    const waiting = choosePath(state, { ...better, nowMs: 1_000 });
    expect(waiting.switched).toBe(false);
    expect(choosePath(waiting.state, { ...better, nowMs: 1_000 + PATH_LIMITS.switchAfterMs - 1 }).switched).toBe(false);
    expect(choosePath(waiting.state, { ...better, nowMs: 1_000 + PATH_LIMITS.switchAfterMs })).toEqual({ state: { nodes: [1, 3, 2] }, switched: true });
    const worseAgain = choosePath(waiting.state, { best: path(10_000, 1, 2), currentCostUs: 10_000, nowMs: 2_000 });
    expect(worseAgain.state).toEqual(state);
  });

  test("a dead path is left at once", () => {
    expect(choosePath(state, { best: path(90_000, 1, 3, 2), currentCostUs: undefined, nowMs: 0 }).state?.nodes).toEqual([1, 3, 2]);
    expect(choosePath(state, { best: undefined, currentCostUs: undefined, nowMs: 0 })).toEqual({ state: undefined, switched: true });
  });
});
