import { describe, expect, it } from "vitest";
import { checkPublicIp } from "../../src/runtime/farms/ip.ts";
import { NO_CHARTER } from "../../src/runtime/policy/presets.ts";
import { charterCell } from "../../src/runtime/policy/store.ts";
import type { Call } from "../../src/types/calls.ts";
import { type Chain, TFT, accountOf, makeSolution, nodeCall, partCall, share, solutionOf, twinCall, world } from "./runtime-harness.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const farmOf = (chain: Chain) => chain.read.farmByName("farm")!;

describe("public addresses of a farm", () => {
  it("are single hosts beside their gateway", () => {
    const good = [["185.69.166.10/24", "185.69.166.1"], ["2a02:1802:5e:0::10/64", "2a02:1802:5e::1"]] as const;
    for (const [ip, gateway] of good) expect(checkPublicIp(ip, gateway)).toBeUndefined();
    const bad = [
      ["185.69.166.10", "185.69.166.1"],
      ["185.69.166.10/24", "185.69.167.1"],
      ["185.69.166.10/24", "185.69.166.10"],
      ["185.69.166.10/33", "185.69.166.1"],
      ["127.0.0.2/8", "127.0.0.1"],
      ["239.1.1.2/24", "239.1.1.1"],
      ["185.69.166.010/24", "185.69.166.1"],
      ["2a02::10/64", "185.69.166.1"],
      ["2a02:::10/64", "2a02::1"],
      ["fe80::10/64", "fe80::1"],
    ] as const;
    expect(bad.filter(([ip, gateway]) => checkPublicIp(ip, gateway) === undefined)).toEqual([]);
  });

  it("are added once, given to contracts, and removed only when free", () => {
    const chain = world();
    const farmId = farmOf(chain).id;
    const add = (ip: string, gateway = "185.69.166.1"): Call => ({ type: "farms.add_ip", farmId, ip, gateway });
    chain.refuse("farms.not_owner", "user", add("185.69.166.10/24"));
    chain.refuse("farms.bad_ip", "farmer", add("185.69.166.1/24"));
    chain.do("farmer", add("185.69.166.10/24"));
    chain.refuse("farms.ip_exists", "farmer", add("185.69.166.10/25"));
    chain.do("user", nodeCall(chain, { publicIps: 1 }));
    const [contract] = chain.read.contracts({});
    expect(farmOf(chain).publicIps).toEqual([{ ip: "185.69.166.10/24", gateway: "185.69.166.1", contractId: contract!.id }]);
    const remove: Call = { type: "farms.remove_ip", farmId, ip: "185.69.166.10" };
    chain.refuse("farms.ip_in_use", "farmer", remove);
    chain.do("user", { type: "contracts.cancel", contractId: contract!.id });
    chain.do("farmer", remove);
    chain.refuse("farms.ip_not_found", "farmer", remove);
  });
});

describe("a farm", () => {
  it("is paid where its farmer says", () => {
    const chain = world({ params: { settlementIntervalMs: HOUR, heartbeatIntervalMs: 10 * MINUTE } });
    chain.do("farmer", { type: "farms.set_payout", farmId: farmOf(chain).id, account: accountOf("bank") });
    chain.do("user", nodeCall(chain));
    const before = chain.free("farmer");
    chain.run(HOUR, { up: ["node1"], stepMs: 5 * MINUTE });
    expect([chain.free("bank"), chain.free("farmer")]).toEqual([4_427_500n, before]);
    expect(chain.read.farmPayout(farmOf(chain).id)).toBe(accountOf("bank"));
  });

  it("changes its owner in two steps, with its nodes and without the old join tokens", () => {
    const chain = world();
    const farmId = farmOf(chain).id;
    const accept: Call = { type: "farms.accept", farmId };
    chain.refuse("farms.not_offered", "other", accept);
    chain.do("farmer", { type: "farms.set_payout", farmId, account: accountOf("bank") }, { type: "farms.offer", farmId, to: chain.twin("other") });
    expect(chain.read.farmOffer(farmId)).toBe(chain.twin("other"));
    chain.refuse("farms.not_offered", "user", accept);
    const token = chain.token("farmer");
    chain.do("other", accept);
    expect([farmOf(chain).twinId, chain.read.farmPayout(farmId), chain.read.farmOffer(farmId)]).toEqual([chain.twin("other"), undefined, undefined]);
    const { total, location, interfaces, meshKey, meshEndpoints, isolation, softwareVersion } = chain.read.node(chain.nodeOf("node1"))!;
    const profile = { total, location, interfaces, meshKey, meshEndpoints, isolation, softwareVersion };
    chain.do("farmer", { type: "accounts.transfer", to: accountOf("node9"), amountUnits: TFT });
    chain.refuse("nodes.join_token_invalid", "node9", twinCall("node9"), { type: "nodes.register", joinToken: token, ...profile });
    chain.do("other", { type: "nodes.set_maintenance", nodeId: chain.nodeOf("node1"), mode: "cordon", noticeUntilMs: 0 });
    chain.do("farmer", { type: "twins.close" });
  });

  it("ends when its nodes have left", () => {
    const chain = world();
    const farmId = farmOf(chain).id;
    chain.refuse("farms.has_nodes", "farmer", { type: "farms.delete", farmId });
    for (const name of ["node1", "node2"]) chain.do("farmer", { type: "nodes.delete", nodeId: chain.nodeOf(name) });
    chain.do("farmer", { type: "farms.delete", farmId }, { type: "farms.create", name: "farm", dedicated: false });
    expect(farmOf(chain).id).toBeGreaterThan(farmId);
  });
});

describe("a node's end", () => {
  it("comes after the notice of a drain when contracts are there; they end with it", () => {
    const chain = world();
    const nodeId = chain.nodeOf("node1");
    const end: Call = { type: "nodes.delete", nodeId };
    const solution = makeSolution(chain);
    chain.do("agent", partCall(chain, solution, { networks: [share(1)] }));
    chain.do("user", nodeCall(chain));
    chain.refuse("nodes.not_farmer", "user", end);
    chain.refuse("nodes.has_contracts", "farmer", end);
    chain.do("farmer", { type: "nodes.set_maintenance", nodeId, mode: "drain", noticeUntilMs: chain.timeMs + MINUTE });
    chain.refuse("nodes.has_contracts", "farmer", end);
    chain.run(MINUTE, { up: ["node1"] });
    chain.do("farmer", end);
    expect(chain.read.contracts({}).map(({ state, deletedCause }) => [state, deletedCause])).toEqual([
      ["deleted", "node_deleted"],
      ["deleted", "node_deleted"],
    ]);
    expect([chain.read.node(nodeId), chain.read.nodeByTwin(chain.twin("node1")), solutionOf(chain).parts]).toEqual([undefined, undefined, []]);
    expect(chain.held("user")).toBe(solutionOf(chain).escrowUnits);
  });
});

describe("certification", () => {
  it("is a certifier's to give, and prices follow", () => {
    const chain = world();
    const nodeId = chain.nodeOf("node1");
    const certify: Call = { type: "nodes.certify", nodeId, certification: "certified" };
    chain.refuse("governance.not_a_certifier", "farmer", certify);
    charterCell.put(chain.state, { ...NO_CHARTER, certifiers: [accountOf("other")] });
    chain.do("other", certify, { type: "farms.certify", farmId: farmOf(chain).id, certification: "gold" });
    chain.do("user", nodeCall(chain));
    expect(chain.read.contracts({})[0]?.costPerHourUnits).toBe(11_068_750n);
    expect(farmOf(chain).certification).toBe("gold");
  });
});

describe("public traffic", () => {
  it("costs 0.05 USD per 10^9 bytes, once", () => {
    const chain = world({ params: { settlementIntervalMs: HOUR, heartbeatIntervalMs: 10 * MINUTE } });
    chain.do("user", nodeCall(chain));
    const { id } = chain.read.contracts({})[0]!;
    const report = (publicBytes: number): Call => ({ type: "contracts.report_usage", contractId: id, publicBytes });
    chain.run(MINUTE, { up: ["node1"] });
    chain.refuse("nodes.not_this_node", "user", report(1));
    // A node has no money: its reports are free.
    expect(chain.do("node1", report(2_000_000_000)).feeUnits).toBe(0n);
    chain.refuse("contracts.impossible_usage", "node1", report(1_999_999_999));
    chain.refuse("contracts.impossible_usage", "node1", report(2_000_000_000 + 10 * 125_000_000));
    chain.run(HOUR - MINUTE - 4, { up: ["node1"], stepMs: 5 * MINUTE });
    chain.block(4);
    // 2 x 0.05 USD at 0.08 USD a TFT: 1.25 TFT, beside the hour of 0.8855 TFT.
    expect(chain.read.contracts({})[0]?.billedUnits).toBe(8_855_000n + 12_500_000n);
    expect(chain.read.usage(id)).toMatchObject({ publicBytes: 2_000_000_000, unbilledBytes: 0 });
    chain.do("user", { type: "contracts.cancel", contractId: id });
    expect(chain.read.contracts({})[0]!.billedUnits - 21_355_000n).toBeLessThan(100n);
  });
});
