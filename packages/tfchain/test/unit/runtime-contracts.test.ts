import { describe, expect, it } from "vitest";
import type { CallOf } from "../../src/runtime/context.ts";
import { Chain, PLAIN_RESOURCES, TFT, cid } from "./runtime-harness.ts";

export function world(options: ConstructorParameters<typeof Chain>[0] = {}): Chain {
  const chain = new Chain({ rich: ["farmer", "user", "agent", "other"], ...options });
  chain.makeFarm("farmer");
  for (const name of ["user", "agent", "other"]) chain.makeTwin(name);
  chain.makeNode("node1");
  chain.makeNode("node2", "farmer", { publicConfig: { domain: "gw.example.org" } });
  return chain;
}

type NodeCall = CallOf<"contracts.create_node">;
export const nodeCall = (chain: Chain, extra: Partial<NodeCall> = {}): NodeCall => ({
  type: "contracts.create_node",
  nodeId: chain.nodeOf("node1"),
  solutionId: null,
  instruction: cid("one"),
  resources: PLAIN_RESOURCES,
  publicIps: 0,
  networks: [],
  depositUnits: 10n * TFT,
  ...extra,
});

describe("contracts outside a solution", () => {
  it("reserves capacity, holds the deposit and gives both back", () => {
    const chain = world();
    chain.do("user", nodeCall(chain));
    const node = chain.read.node(chain.nodeOf("node1"));
    expect(node?.reserved).toEqual(PLAIN_RESOURCES);
    expect(chain.held("user")).toBe(10n * TFT);
    const [contract] = chain.read.contracts({ twinId: chain.twin("user"), active: true });
    chain.do("user", { type: "contracts.cancel", contractId: contract!.id });
    expect(chain.read.node(chain.nodeOf("node1"))?.reserved.memoryBytes).toBe(0);
    expect(chain.held("user")).toBe(0n);
    expect(chain.read.contract(contract!.id)).toMatchObject({ state: "deleted", deletedCause: "canceled_by_owner", escrowUnits: 0n });
  });
});
