import type { NodeId } from "@tfgrid/primitives";
import { describe, expect, test } from "vitest";
import { LINK_STATE_LIMITS, PATH_LIMITS } from "../../src/limits.ts";
import { type FakeGrid, nodeIdOf, RANGE, startFakeGrid } from "../helpers/fake-grid.ts";
import { randomOf } from "../helpers/virtual-time.ts";
import { meshPorts } from "../../src/linux/names.ts";

type Links = Map<string, number>;
const id = (a: number, b: number): string => [a, b].toSorted((x, y) => x - y).join("-");

/** All simple paths, one by one: the truth to compare with. */
function bruteForce(links: Links, count: number, from: number, to: number): number | undefined {
  let best: number | undefined;
  const walk = (at: number, seen: readonly number[], cost: number): void => {
    if (at === to) {
      if (best === undefined || cost < best) best = cost;
      return;
    }
    if (seen.length > PATH_LIMITS.maxHops + 1) return;
    for (let next = 0; next < count; next += 1) {
      const rtt = links.get(id(at, next));
      if (rtt === undefined || seen.includes(next)) continue;
      walk(next, [...seen, next], cost + rtt * 1000 + (at === from ? 0 : LINK_STATE_LIMITS.hopCostUs));
    }
  };
  walk(from, [from], 0);
  return best;
}

/** Follows a packet of A for B through the forwards that the drivers hold: the nodes it passes. */
function trace(grid: FakeGrid, from: number, to: number): NodeId[] {
  const wireguard = meshPorts(RANGE).znets.first;
  const target = grid.nodes[to];
  const peer = grid.drivers[from]?.peersOf("s7-net").find((entry) => entry.publicKey === target?.meshKey);
  let [address, port, source] = [peer?.endpoint?.address, peer?.endpoint?.port, grid.nodes[from]?.address];
  const passed: NodeId[] = [nodeIdOf(from)];
  for (let hops = 0; hops < 8; hops += 1) {
    const at = grid.nodes.findIndex((node) => node.address === address);
    if (at < 0) break;
    passed.push(nodeIdOf(at));
    if (at === to && port === wireguard) return passed;
    const next = grid.drivers[at]?.forwards.find((entry) => entry.listenPort === port && entry.from.address === source);
    [source, address, port] = [address, next?.to.address, next?.to.port];
  }
  return [...passed, -1 as NodeId];
}

function check(grid: FakeGrid, links: Links, members: readonly number[], note: string): void {
  for (const a of members) {
    for (const b of members) {
      if (a >= b) continue;
      const truth = bruteForce(links, grid.nodes.length, a, b);
      const status = grid.networks[a]?.status().paths.find((path) => path.peer === nodeIdOf(b));
      const where = `${note}, pair ${a + 1}-${b + 1}`;
      expect(status?.bestDelayUs === undefined, `${where}: reachable or not`).toBe(truth === undefined);
      if (truth === undefined) continue;
      // What is flooded may lag the truth by as much as is not worth a flood on each link.
      const slack = truth * LINK_STATE_LIMITS.driftShare + LINK_STATE_LIMITS.driftUs * (PATH_LIMITS.maxHops + 1);
      expect(Math.abs((status?.bestDelayUs ?? Number.NaN) - truth), `${where}: shortest ${truth}, found ${status?.bestDelayUs}`).toBeLessThanOrEqual(slack);
      expect(status?.delayUs, where).toBeLessThanOrEqual((truth + slack) / (1 - PATH_LIMITS.switchMarginShare) + PATH_LIMITS.switchMarginUs);
      expect(trace(grid, a, b), `${where}: packets there`).toEqual(status?.path);
      expect(trace(grid, b, a), `${where}: packets back`).toEqual(status?.path.toReversed());
    }
  }
}

describe("all nodes converge to the exact shortest paths", () => {
  const base = Number(process.env["SEED"] ?? 20_261_122);
  test.each([0, 1, 2, 3].map((offset) => base + offset))("seed %i", async (seed) => {
    console.log(`seed ${seed}`);
    const random = randomOf(seed);
    const count = 4 + Math.floor(random() * 4);
    const members = Array.from({ length: count }, (_, index) => index).filter((index) => index < 2 || random() < 0.6);
    const grid = await startFakeGrid({ count, members, random });
    const links: Links = new Map();
    const set = (a: number, b: number, rtt: number | undefined): void => {
      if (rtt === undefined) links.delete(id(a, b));
      else links.set(id(a, b), rtt);
      grid.setLink(a, b, rtt);
    };
    const rtt = (): number => 1 + Math.floor(random() * 120);
    try {
      for (let node = 1; node < count; node += 1) set(node, Math.floor(random() * node), rtt());
      for (let a = 0; a < count; a += 1) for (let b = a + 1; b < count; b += 1) if (random() < 0.5) set(a, b, rtt());
      await grid.time.advance(15_000);
      check(grid, links, members, "first");
      for (let round = 0; round < 3; round += 1) {
        for (const key of links.keys()) {
          const [a, b] = key.split("-").map(Number) as [number, number];
          const dice = random();
          if (dice < 0.3) set(a, b, rtt());
          else if (dice < 0.4) set(a, b, undefined);
        }
        await grid.time.advance(20_000);
        check(grid, links, members, `round ${round}`);
      }
    } finally {
      await grid.stop();
    }
  });

  test("a dead link is left within two and a half seconds", async () => {
    const grid = await startFakeGrid({ count: 3, members: [0, 1], random: randomOf(1) });
    try {
      grid.setLink(0, 1, 10);
      grid.setLink(0, 2, 30);
      grid.setLink(1, 2, 30);
      await grid.time.advance(5_000);
      expect(trace(grid, 0, 1)).toEqual([1, 2]);
      grid.setLink(0, 1, undefined);
      let lostMs = 0;
      while (trace(grid, 0, 1).join() !== "1,3,2" || trace(grid, 1, 0).join() !== "2,3,1") {
        await grid.time.advance(50);
        expect((lostMs += 50)).toBeLessThanOrEqual(2_500);
      }
      console.log(`left after ${lostMs} ms`);
      // Back on the better way, though only after it has proven itself.
      grid.setLink(0, 1, 10);
      await grid.time.advance(1_000);
      expect(trace(grid, 0, 1)).toEqual([1, 3, 2]);
      await grid.time.advance(6_000);
      expect(trace(grid, 0, 1)).toEqual([1, 2]);
      expect(trace(grid, 1, 0)).toEqual([2, 1]);
    } finally {
      await grid.stop();
    }
  });
});

describe("an agent that dies and comes back", () => {
  test.each([
    ["the end that decides", 0],
    ["the other end", 1],
    ["the forwarder", 2],
  ])("%s: no packet of the path is misled at any moment", async (_who, index) => {
    const grid = await startFakeGrid({ count: 4, members: [0, 1], random: randomOf(1) });
    try {
      for (const [a, b, rttMs] of [[0, 1, 200], [0, 2, 10], [1, 2, 10], [0, 3, 60], [1, 3, 60], [2, 3, 60]] as const) grid.setLink(a, b, rttMs);
      await grid.time.advance(15_000);
      expect(trace(grid, 0, 1)).toEqual([1, 3, 2]);
      await grid.kill(index);
      const watch = async (forMs: number): Promise<void> => {
        for (let ms = 0; ms < forMs; ms += 50) {
          await grid.time.advance(50);
          const [there, back] = [trace(grid, 0, 1), trace(grid, 1, 0)];
          expect([there.at(-1), back.at(-1)], `${ms} ms: ${there.join("-")} and ${back.join("-")}`).toEqual([2, 1]);
        }
      };
      await watch(600);
      await grid.revive(index);
      await watch(20_000);
      expect(trace(grid, 0, 1)).toEqual([1, 3, 2]);
    } finally {
      await grid.stop();
    }
  });
});
