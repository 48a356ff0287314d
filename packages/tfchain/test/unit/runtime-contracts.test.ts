import { describe, expect, it } from "vitest";
import type { Call } from "../../src/types/calls.ts";
import type { Contract } from "../../src/types/entities.ts";
import { Chain, PLAIN_RESOURCES, PROFILE, TFT, accountOf, cid, nodeCall, world } from "./runtime-harness.ts";

const GIB = 2 ** 30;
const onlyContract = (chain: Chain): Contract => {
  const rows = chain.read.contracts({ active: true });
  expect(rows).toHaveLength(1);
  return rows[0] as Contract;
};
const report = (contract: Contract, version = 1): Call => ({
  type: "contracts.report",
  contractId: contract.id,
  report: { version, state: "running", networks: [], zmachines: [], routes: [] },
});

describe("contracts outside a solution", () => {
  it("reserve capacity, hold the deposit and give both back", () => {
    const chain = world();
    chain.do("user", nodeCall(chain));
    expect(chain.read.node(chain.nodeOf("node1"))?.reserved).toEqual(PLAIN_RESOURCES);
    expect(chain.held("user")).toBe(10n * TFT);
    const contract = onlyContract(chain);
    chain.do("user", { type: "contracts.cancel", contractId: contract.id });
    expect(chain.read.node(chain.nodeOf("node1"))?.reserved.memoryBytes).toBe(0);
    expect(chain.held("user")).toBe(0n);
    expect(chain.read.contract(contract.id)).toMatchObject({ state: "deleted", deletedCause: "canceled_by_owner", escrowUnits: 0n });
  });

  it("are refused beyond the node's capacity, with the figures", () => {
    const chain = world();
    chain.do("user", nodeCall(chain, { resources: { ...PLAIN_RESOURCES, memoryBytes: 60 * GIB } }));
    const { error } = chain.refuse(
      "contracts.capacity_exceeded",
      "other",
      nodeCall(chain, { resources: { ...PLAIN_RESOURCES, cpuMilli: 1 } }),
    );
    expect(error?.details).toMatchObject({ short: ["memoryBytes"], memoryBytesWanted: 8 * GIB, memoryBytesFree: 4 * GIB });
    // Exactly what is left fits.
    chain.do("other", nodeCall(chain, { resources: { ...PLAIN_RESOURCES, memoryBytes: 4 * GIB } }));
  });

  it("are refused on nodes that are down, cordoned, unknown or in a dedicated farm", () => {
    const chain = world();
    const nodeId = chain.nodeOf("node1");
    chain.do("farmer", { type: "nodes.set_maintenance", nodeId, mode: "cordon", noticeUntilMs: 0 });
    chain.refuse("nodes.cordoned", "user", nodeCall(chain));
    chain.do("farmer", { type: "nodes.set_maintenance", nodeId, mode: "none", noticeUntilMs: 0 });
    chain.refuse("nodes.not_found", "user", nodeCall(chain, { nodeId: (nodeId + 100) as typeof nodeId }));
    const farmId = chain.read.farmByName("farm")!.id;
    chain.do("farmer", { type: "farms.update", farmId, name: "farm", dedicated: true });
    chain.refuse("contracts.node_dedicated", "user", nodeCall(chain));
    chain.block(60_000);
    chain.refuse("nodes.down", "user", nodeCall(chain));
  });

  it("update: a new version, the difference checked, the old price settled first", () => {
    const chain = world();
    chain.do("user", nodeCall(chain));
    const before = onlyContract(chain);
    const update = (memoryGib: number): Call => ({
      type: "contracts.update_node",
      contractId: before.id,
      instruction: cid("two"),
      resources: { ...PLAIN_RESOURCES, memoryBytes: memoryGib * GIB },
      networks: [],
    });
    chain.refuse("contracts.not_owner", "other", update(16));
    chain.refuse("contracts.capacity_exceeded", "user", update(65));
    chain.do("user", update(64));
    const after = onlyContract(chain);
    expect(after).toMatchObject({ version: 2, instruction: cid("two") });
    expect(after.costPerHourUnits).toBeGreaterThan(before.costPerHourUnits);
    expect(after.settledAtMs).toBe(chain.timeMs);
    chain.do("node1", report(after, 2));
    chain.do("node1", report(after, 1));
    chain.refuse("contracts.unknown_version", "node1", report(after, 3));
  });

  it("are reported by their node only, and only while they live", () => {
    const chain = world();
    chain.do("user", nodeCall(chain));
    const contract = onlyContract(chain);
    chain.refuse("nodes.not_this_node", "node2", report(contract));
    chain.refuse("nodes.not_this_node", "user", report(contract));
    chain.do("node1", report(contract));
    expect(chain.read.contract(contract.id)).toMatchObject({ report: { state: "running" }, reportedAtMs: chain.timeMs });
    chain.do("user", { type: "contracts.cancel", contractId: contract.id });
    chain.refuse("contracts.not_active", "node1", report(contract));
    chain.refuse("contracts.not_active", "user", { type: "contracts.cancel", contractId: contract.id });
  });

  it("are cancelled by their owner, not by the farmer or anyone else", () => {
    const chain = world();
    chain.do("user", nodeCall(chain));
    const { id: contractId } = onlyContract(chain);
    chain.refuse("contracts.not_owner", "farmer", { type: "contracts.cancel", contractId });
    chain.do("user", { type: "accounts.transfer", to: accountOf("node1"), amountUnits: TFT });
    chain.refuse("contracts.not_owner", "node1", { type: "contracts.cancel", contractId });
  });

  it("want one settlement interval prepaid", () => {
    const chain = world();
    const { error } = chain.refuse("contracts.deposit_too_small", "user", nodeCall(chain, { depositUnits: 36_895n }));
    // 8,855,000 units an hour over 15 s: 36,895.8.
    expect(error?.details).toMatchObject({ minimumUnits: "36896", costPerHourUnits: "8855000" });
    chain.do("user", nodeCall(chain, { depositUnits: 36_896n }));
    chain.refuse("accounts.insufficient_balance", "user", nodeCall(chain, { depositUnits: 2_000n * TFT }));
  });

  it("a batch that fails in its last call leaves nothing of the first", () => {
    const chain = world();
    const before = chain.read.node(chain.nodeOf("node1"))?.reserved;
    chain.refuse("contracts.not_found", "user", nodeCall(chain), { type: "contracts.cancel", contractId: 99 as Contract["id"] });
    expect(chain.read.contracts({})).toEqual([]);
    expect(chain.read.node(chain.nodeOf("node1"))?.reserved).toEqual(before);
    expect(chain.held("user")).toBe(0n);
  });

  it("public addresses are refused when the farm has none", () => {
    const chain = world();
    chain.refuse("contracts.no_public_ip", "user", nodeCall(chain, { publicIps: 1 }));
  });

  it("solution version without a solution, and networks that are none, are refused", () => {
    const chain = world();
    chain.refuse("contracts.version_without_solution", "user", nodeCall(chain, { solutionVersion: 1 }));
    for (const cidr of ["8.8.0.0/16", "10.1.2.0/24", "10.300.0.0/16", "127.0.0.0/16", "172.32.0.0/16"]) {
      chain.refuse("contracts.bad_network", "user", nodeCall(chain, { networks: [{ name: "net", cidr, subnetIndex: 1 }] }));
    }
    const net = { name: "net", cidr: "192.168.0.0/16", subnetIndex: 1 };
    chain.refuse("contracts.bad_network", "user", nodeCall(chain, { networks: [net, net] }));
    chain.do("user", nodeCall(chain, { networks: [net] }));
  });
});

const reportBody = () => ({ version: 1, state: "running" as const, networks: [], zmachines: [], routes: [] });

describe("name contracts", () => {
  const nameCall = (chain: Chain, node = "node2"): Call => ({
    type: "contracts.create_name",
    name: "shop",
    gatewayNodeId: chain.nodeOf(node),
    solutionId: null,
    depositUnits: TFT,
  });

  it("hold a name once, on a gateway, until they end", () => {
    const chain = world();
    chain.refuse("contracts.not_a_gateway", "user", nameCall(chain, "node1"));
    chain.do("user", nameCall(chain));
    const held = chain.read.nameContract("shop");
    expect(held).toMatchObject({ type: "name", name: "shop", costPerHourUnits: 867_500n });
    chain.refuse("contracts.name_taken", "other", nameCall(chain));
    chain.refuse("contracts.not_a_node_contract", "node2", { type: "contracts.report", contractId: held!.id, report: reportBody() });
    expect(chain.read.contracts({ nodeId: chain.nodeOf("node2"), active: true }).map(({ id }) => id)).toEqual([held!.id]);
    chain.do("user", { type: "contracts.cancel", contractId: held!.id });
    expect(chain.read.nameContract("shop")).toBeUndefined();
    chain.do("other", nameCall(chain));
  });
});

describe("nodes.update", () => {
  it("keeps what contracts hold", () => {
    const chain = world();
    chain.do("user", nodeCall(chain));
    const nodeId = chain.nodeOf("node1");
    const small = { ...PROFILE, total: { ...PROFILE.total, memoryBytes: 4 * GIB } };
    chain.refuse("nodes.total_below_reserved", "node1", { type: "nodes.update", nodeId, ...small });
    chain.do("node1", { type: "nodes.update", nodeId, ...PROFILE, softwareVersion: "0.2.0" });
    expect(chain.read.node(nodeId)).toMatchObject({ softwareVersion: "0.2.0", reserved: PLAIN_RESOURCES, up: true });
  });
});
