import { type Hex, bytesToHex, sha256, utf8 } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { farms } from "../../src/runtime/farms/store.ts";
import type { Call } from "../../src/types/calls.ts";
import { LIMITS } from "../../src/types/entities.ts";
import { TFT, makeSolution, nodeCall, partCall, share, solutionOf, world, zeroResources } from "./runtime-harness.ts";

const tiny = { resources: { ...zeroResources, cpuMilli: 1 }, networks: [] };

describe("bounds of a solution", () => {
  it("as many parts as one may have, and all of them end with it", () => {
    const chain = world();
    const solution = makeSolution(chain);
    chain.do("agent", ...Array.from({ length: LIMITS.partsPerSolution }, () => partCall(chain, solution, tiny)));
    chain.refuse("solutions.too_many_parts", "agent", partCall(chain, solution, tiny));
    const { events } = chain.do("user", { type: "solutions.cancel", solutionId: solution.id });
    expect(events.filter(({ type }) => type === "contracts.deleted")).toHaveLength(LIMITS.partsPerSolution);
    expect(chain.read.contracts({ active: true })).toEqual([]);
    expect(chain.held("user")).toBe(0n);
  });

  it("as many members as one may have", () => {
    const chain = world();
    const solution = makeSolution(chain);
    chain.do("agent", partCall(chain, solution));
    const add = (index: number): Call => ({
      type: "solutions.add_member",
      solutionId: solution.id,
      name: `m${index}`,
      network: "net",
      publicKey: index.toString(16).padStart(64, "0") as Hex,
    });
    chain.do("user", ...Array.from({ length: LIMITS.membersPerSolution }, (_, index) => add(index)));
    chain.refuse("solutions.too_many_members", "user", add(99));
    expect(new Set(solutionOf(chain).members.map(({ ip }) => ip)).size).toBe(LIMITS.membersPerSolution);
  });
});

describe("public addresses", () => {
  it("are given once, paid for, and come back", () => {
    const chain = world();
    const farm = chain.read.farmByName("farm")!;
    const publicIps = ["1.2.3.4/24", "1.2.3.5/24"].map((ip) => ({ ip, gateway: "1.2.3.1", contractId: null }));
    farms.put(chain.state, farm.id, { ...farm, publicIps });
    chain.do("user", nodeCall(chain, { publicIps: 2 }));
    const [contract] = chain.read.contracts({});
    expect(contract?.costPerHourUnits).toBe(8_855_000n + 1_735_000n);
    expect(chain.read.farm(farm.id)?.publicIps.map(({ contractId }) => contractId)).toEqual([contract!.id, contract!.id]);
    chain.refuse("contracts.no_public_ip", "other", nodeCall(chain, { publicIps: 1 }));
    chain.do("user", { type: "contracts.cancel", contractId: contract!.id });
    chain.do("other", nodeCall(chain, { publicIps: 1 }));
  });
});

describe("the ledger's format", () => {
  it("the same history gives the same bytes as ever: a change here is a fork of the chain", () => {
    const chain = world();
    const solution = makeSolution(chain);
    chain.do("agent", partCall(chain, solution));
    chain.do("user", nodeCall(chain, { nodeId: chain.nodeOf("node2") }));
    const gatewayNodeId = chain.nodeOf("node2");
    chain.do("agent", { type: "contracts.create_name", name: "shop", gatewayNodeId, solutionId: solution.id, depositUnits: 0n });
    chain.do("user", { type: "solutions.deposit", solutionId: solution.id, amountUnits: TFT });
    chain.run(60_000, { up: ["node1", "node2"] });
    chain.do("agent", partCall(chain, solution, { nodeId: gatewayNodeId, networks: [share(2)] }));
    expect(bytesToHex(sha256(utf8(chain.state.dump())))).toMatchInlineSnapshot(
      `"f38867536faf1e5ff6e24b621693f3c0f6f3cca07ca40c20c5966b0cc984114b"`,
    );
  });
});
