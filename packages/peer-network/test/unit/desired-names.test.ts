import { expect, test } from "vitest";
import type { NodeId, SolutionId } from "@tfgrid/primitives";
import type { NodeContract, Solution } from "@tfgrid/tfchain";
import { type DesiredZnet, desiredNames } from "../../src/network/desired.ts";
import type { ChainView } from "../../src/network/view.ts";

/** Node 1's own last report: its store was healthy. */
const view = {
  nodes: new Map(),
  solutions: new Map([
    [1 as SolutionId, { solution: { members: [] } as unknown as Solution, contracts: [{ nodeId: 1, report: { zmachines: [{ name: "store-1", service: "store", state: "healthy", aliases: [], addresses: [{ network: "default", ip: "10.70.1.2" }] }] } }] as unknown as readonly NodeContract[] }],
  ]),
} as ChainView;

const namesWhen = (ready: boolean | undefined): readonly string[] => {
  const znet: DesiredZnet = { key: "s1-default", solutionId: 1 as SolutionId, name: "default", cidr: "10.70.0.0/16", subnetIndex: 1, local: [{ name: "store-1", service: "store", aliases: [], ip: "10.70.1.2", ready }] };
  return desiredNames({ view, znet, siblings: [znet], self: 1 as NodeId }).map(({ name }) => name);
};

test("own zmachines keep their names while a restarted agent has not looked at them; its own look decides then", () => {
  expect(namesWhen(undefined)).toEqual(["store", "store-1"]);
  expect(namesWhen(true)).toEqual(["store", "store-1"]);
  expect(namesWhen(false)).toEqual([]);
});
