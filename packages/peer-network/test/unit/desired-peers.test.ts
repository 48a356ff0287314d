import { expect, test } from "vitest";
import type { Hex, NodeId, SolutionId } from "@tfgrid/primitives";
import type { Node, NodeContract, Solution } from "@tfgrid/tfchain";
import { desiredPeers } from "../../src/network/desired.ts";
import type { ChainView } from "../../src/network/view.ts";

const key = (digit: string): Hex => digit.repeat(64) as Hex;
const share = (subnetIndex: number) => [{ name: "default", cidr: "10.70.0.0/16", subnetIndex }];

/** Node 2 takes part; `reported`: it has told the UDP port of its end. */
function viewOf(reported: boolean): ChainView {
  const report = { networks: [{ name: "default", port: 20_500 }], zmachines: [] };
  const contracts = [
    { nodeId: 1, networks: share(1), report: null },
    { nodeId: 2, networks: share(2), report: reported ? report : null },
  ] as unknown as readonly NodeContract[];
  const nodes = [1, 2].map((id) => [id, { id, meshKey: key(String(id)), meshEndpoints: [{ address: `192.0.2.${id}`, port: 20_000 }] }]) as unknown as [NodeId, Node][];
  return { nodes: new Map(nodes), solutions: new Map([[1 as SolutionId, { solution: { members: [] } as unknown as Solution, contracts }]]) };
}

const peersOf = (view: ChainView) =>
  desiredPeers({ view, znet: { key: "s1-default", solutionId: 1 as SolutionId, name: "default", cidr: "10.70.0.0/16", subnetIndex: 1, local: [] }, self: 1 as NodeId, endpointFor: () => undefined });

test("a peer is greeted when there is an address to greet it at, not before", () => {
  expect(peersOf(viewOf(false))).toEqual([{ publicKey: key("2"), allowedIps: ["10.70.2.0/24"], keepaliveSec: 0 }]);
  expect(peersOf(viewOf(true))).toEqual([{ publicKey: key("2"), endpoint: { address: "192.0.2.2", port: 20_500 }, allowedIps: ["10.70.2.0/24"], keepaliveSec: 25 }]);
});
